import { refusalsOf } from '../delivery/intake.ts'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { Trigger } from '../manifests/manifest.ts'
import type { ProcessStatus } from '../surface.ts'
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
  /** Listens to exactly the triggers of the present manifest, or to none; to the clock only while the process runs. */
  arm(wanted: boolean, runs: boolean): void
  clockStepped(): void
  describe(): ProcessStatus['triggers']
  close(): Promise<void>
}

export function triggerSet(parts: TriggerParts): TriggerSet {
  const armed = new Map<string, ArmedTrigger>()
  const closing = new Set<Promise<void>>()

  const disarm = (id: string, trigger: ArmedTrigger): void => {
    armed.delete(id)
    const closed = trigger
      .close()
      .catch(parts.failed)
      .finally(() => closing.delete(closed))
    closing.add(closed)
  }

  return {
    arm(wanted, runs) {
      const present = new Map(
        (wanted ? parts.process.manifest.triggers : [])
          .filter(({ enabled, type }) => enabled !== false && (type !== 'cron' || runs))
          .map((trigger) => [triggerId(trigger), trigger]),
      )
      for (const [id, trigger] of armed) if (!present.has(id)) disarm(id, trigger)
      for (const [id, trigger] of present) {
        if (armed.has(id)) continue
        if (trigger.type === 'cron') armed.set(id, cronTrigger(parts, trigger))
        if (trigger.type === 'webhook') armed.set(id, webhookTrigger(parts, trigger))
        if (trigger.type === 'custom') armed.set(id, customTrigger(parts, trigger))
        if (trigger.type === 'file_watch') armed.set(id, fileTrigger(parts, trigger))
      }
    },
    clockStepped() {
      for (const trigger of armed.values()) trigger.clockStepped?.()
    },
    describe() {
      return parts.process.manifest.triggers.map((trigger) => {
        const id = triggerId(trigger)
        const refused = refusalsOf(parts.process, id)
        const next = armed.get(id)?.nextFire()
        const problem = trigger.type === 'webhook' ? parts.secrets.problem(trigger) : undefined
        return {
          id,
          type: trigger.type === 'custom' ? trigger.kind : trigger.type,
          text: describe(trigger),
          ...(next === undefined ? {} : { nextFire: next.toISOString() }),
          ...(trigger.type === 'cron' ? slotCounts(parts.process, id) : {}),
          ...(refused === undefined ? {} : { refused }),
          ...(problem === undefined ? {} : { problem: `unarmed: ${problem}` }),
        }
      })
    },
    async close() {
      for (const [id, trigger] of armed) disarm(id, trigger)
      await Promise.all(closing)
    },
  }
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
