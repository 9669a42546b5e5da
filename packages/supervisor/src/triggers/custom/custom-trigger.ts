import { type Timer, VigilError } from '@vigil/protocol'
import { intake } from '../../delivery/intake.ts'
import { jsonOf } from '../../delivery/json-of.ts'
import type { Trigger } from '../../manifests/manifest.ts'
import { backoff } from '../../supervision/backoff.ts'
import type { ArmedTrigger, TriggerParts } from '../armed-trigger.ts'
import { keyedEventId, triggerId } from '../event-id.ts'
import type { Listening } from './trigger-type.ts'

const waits = { baseMs: 1_000, maxMs: 60_000 }
/** Who does not end when asked to is left behind, and told. */
const closeMs = 5_000

/** Listens by a program's own code, and again after a while when that breaks. */
export function customTrigger(parts: TriggerParts, trigger: Extract<Trigger, { type: 'custom' }>): ArmedTrigger {
  const { log, clock, random, process, failed } = parts
  const { kind, options } = trigger
  const id = triggerId(trigger)
  const type = Object.hasOwn(parts.triggerTypes, kind) ? parts.triggerTypes[kind] : undefined
  const closing = new AbortController()
  let pause: Timer | undefined
  let broken = 0
  let listening: Promise<void> = Promise.resolve()

  const complain = (what: string, cause?: unknown): void =>
    failed(new Error(`trigger ${kind} of "${process.name}" ${what}`, { cause }))

  const emit: Listening['emit'] = async (payload, { key, metadata = {} } = {}) => {
    if (closing.signal.aborted) throw new VigilError('ABORTED', `the trigger ${kind} listens no more`)
    const event = {
      event_id: key === undefined ? random.uuid() : keyedEventId(process.name, id, key),
      trigger_id: id,
      type: kind,
      timestamp: new Date(clock.now()).toISOString(),
      ...jsonOf({ payload: payload ?? null, metadata }),
    }
    return await intake(log, process, { trigger, event, key })
  }

  const listen = async (): Promise<void> => {
    if (type === undefined) return complain('cannot be armed: no such type is registered with this supervisor')
    const sinceMs = clock.monotonic()
    try {
      await type.arm({ process: process.name, trigger: options, signal: closing.signal, clock, emit })
    } catch (error) {
      if (closing.signal.aborted) return
      if (clock.monotonic() - sinceMs > waits.maxMs) broken = 0
      const inMs = backoff(waits, broken, random.next())
      broken += 1
      complain(`broke and is armed again in ${inMs} ms: ${error instanceof Error ? error.message : error}`, error)
      pause = clock.setTimer(inMs, begin)
    }
  }
  const begin = (): void => {
    listening = listen()
  }

  begin()
  return {
    nextFire: () => undefined,
    async close() {
      pause?.cancel()
      closing.abort(new VigilError('ABORTED', `the trigger ${kind} listens no more`))
      let timer: Timer | undefined
      const late = new Promise<void>((resolve) => {
        timer = clock.setTimer(closeMs, () => {
          complain(`did not end within ${closeMs} ms of its signal`)
          resolve()
        })
      })
      await Promise.race([listening, late])
      timer?.cancel()
    },
  }
}
