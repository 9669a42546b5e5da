import { isDeepStrictEqual } from 'node:util'
import { refusalsOf } from '../delivery/intake.ts'
import type { ProcessFold } from '../fold/process-fold.ts'
import { triggersOf } from '../fold/trigger-layers.ts'
import type { Trigger } from '../manifests/manifest.ts'
import type { ProcessStatus, TriggerStatus } from '../surface.ts'
import type { ArmedTrigger, TriggerParts } from './armed-trigger.ts'
import { cronTrigger } from './cron-trigger.ts'
import { customTrigger } from './custom/custom-trigger.ts'
import { triggerId } from './event-id.ts'
import { fileTrigger } from './file-trigger.ts'
import { webhookTrigger } from './webhook/webhook-trigger.ts'

/**
 * The triggers of one process that have to listen. Events and messages do not: the publication itself names
 * its subscribers, also those that sleep or are stopped.
 */
export interface TriggerSet {
  /** Listens to exactly the triggers of now, or to none; to the clock only while the process runs. */
  arm(wanted: boolean, runs: boolean): void
  clockStepped(): void
  describe(): ProcessStatus['triggers']
  close(): Promise<void>
}

/** One that listens, and what it was made of. */
interface Listener {
  readonly trigger: Trigger
  readonly armed: ArmedTrigger
}

type Failure = NonNullable<TriggerStatus['lastFailure']>

export function triggerSet(parts: TriggerParts): TriggerSet {
  const { process, clock } = parts
  const listeners = new Map<string, Listener>()
  const failures = new Map<string, Failure>()
  const closing = new Set<Promise<void>>()
  let present = { wanted: false, runs: false }

  const disarm = (id: string, { armed }: Listener): void => {
    listeners.delete(id)
    const closed = armed
      .close()
      .catch(parts.failed)
      .finally(() => closing.delete(closed))
    closing.add(closed)
  }

  const armed = (id: string, trigger: Trigger): ArmedTrigger | undefined => {
    const failed = (error: Error): void => {
      failures.set(id, { at: new Date(clock.now()).toISOString(), message: error.message })
      parts.failed(error)
    }
    const own = { ...parts, failed }
    if (trigger.type === 'cron') return cronTrigger(own, trigger)
    if (trigger.type === 'webhook') return webhookTrigger(own, trigger)
    if (trigger.type === 'custom') return customTrigger(own, trigger)
    return trigger.type === 'file_watch' ? fileTrigger(own, trigger) : undefined
  }

  /** Why it hears nothing now. */
  const silence = (id: string, trigger: Trigger): string | undefined => {
    if (process.overlay.off.includes(id)) return 'turned off by an operator'
    if (trigger.enabled === false) return 'turned off in the manifest'
    if (trigger.type === 'event' || trigger.type === 'message') return undefined
    const problem = trigger.type === 'webhook' ? parts.secrets.problem(trigger) : undefined
    if (problem !== undefined) return `unarmed: ${problem}`
    // A hook takes what comes as long as its process is not stopped.
    if (trigger.type === 'webhook' && process.desired !== 'stopped') return undefined
    if (!present.wanted) return 'the process is not meant to run'
    return trigger.type === 'cron' && !present.runs ? 'the process does not run now' : undefined
  }

  return {
    arm(wanted, runs) {
      present = { wanted, runs }
      const there = new Map(
        (wanted ? triggersOf(process) : [])
          .filter(({ enabled, type }) => enabled !== false && (type !== 'cron' || runs))
          .map((trigger) => [triggerId(trigger), trigger]),
      )
      // One that was tuned has the same id, and listens in another way from now on.
      for (const [id, listener] of listeners)
        if (!isDeepStrictEqual(there.get(id), listener.trigger)) disarm(id, listener)
      for (const [id, trigger] of there) {
        const fresh = listeners.has(id) ? undefined : armed(id, trigger)
        if (fresh !== undefined) listeners.set(id, { trigger, armed: fresh })
      }
    },
    clockStepped() {
      for (const { armed } of listeners.values()) armed.clockStepped?.()
    },
    describe() {
      const added = new Set(process.overlay.added)
      return triggersOf(process).map((trigger) => {
        const id = triggerId(trigger)
        const problem = silence(id, trigger)
        const taken = process.taken.get(id)
        const found = {
          nextFire: listeners.get(id)?.armed.nextFire()?.toISOString(),
          refused: refusalsOf(process, id),
          lastEvent: taken?.last,
          lastFailure: failures.get(id),
          problem,
        }
        return {
          id,
          type: trigger.type === 'custom' ? trigger.kind : trigger.type,
          text: describe(trigger),
          origin: added.has(trigger) ? ('operator' as const) : ('manifest' as const),
          enabled: trigger.enabled !== false,
          armed: problem === undefined,
          accepted: taken?.count ?? 0,
          ...(trigger.type === 'cron' ? slotCounts(process, id) : {}),
          ...withoutUndefined(found),
        }
      })
    },
    async close() {
      for (const [id, listener] of listeners) disarm(id, listener)
      await Promise.all(closing)
    },
  }
}

function withoutUndefined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

const slotCounts = (process: ProcessFold, id: string) => process.cronCounts.get(id) ?? { missed: 0, skipped: 0 }

function describe(trigger: Trigger): string {
  switch (trigger.type) {
    case 'cron':
      return `${trigger.cronExpression} (${trigger.timezone})`
    case 'webhook':
      return `/hooks${trigger.webhookPath} (${guardOf(trigger)})`
    case 'file_watch':
      return `${trigger.watchPath} ${trigger.watchPatterns.join(' ')}`
    case 'custom':
      return JSON.stringify(trigger.options)
    case 'event':
      return trigger.eventType
    case 'message':
      return `from ${trigger.from ?? 'anyone'}${trigger.topic === undefined ? '' : ` on ${trigger.topic}`}`
  }
}

/** How a hook tells its senders from others. */
function guardOf({ verification, auth, allowedSources }: Extract<Trigger, { type: 'webhook' }>): string {
  if (verification !== undefined) return verification.scheme
  if (auth === 'bearer') return 'token'
  return auth === 'none' ? 'open to everybody' : allowedSources === undefined ? 'this machine only' : 'by address'
}
