import type { ProcessName, Timer } from '@vigil/protocol'
import { intake } from '../delivery/intake.ts'
import type { Trigger } from '../manifests/manifest.ts'
import type { ArmedTrigger, TriggerParts } from './armed-trigger.ts'
import { missedSlots, nextSlot } from './cron-slots.ts'
import { slotEventId, triggerId } from './event-id.ts'

/** setTimeout and suspended machines drift: a long wait is taken in pieces, each looking at the wall clock again. */
const longestWaitMs = 60_000

/**
 * Fires each slot once, whoever else fires it: the event's id is a hash of trigger and slot. Slots that passed while nobody
 * looked are folded into the latest one; a slot that meets its own unfinished predecessor is skipped.
 */
export function cronTrigger(parts: TriggerParts, trigger: Extract<Trigger, { type: 'cron' }>): ArmedTrigger {
  const { log, clock, process } = parts
  const id = triggerId(trigger)
  const { cronExpression: expression, timezone } = trigger
  let timer: Timer | undefined
  let next: Date | undefined
  let closed = false

  const author = () => ({ process: process.name as ProcessName, epoch: process.epoch })
  const passed = (slot: Date): void =>
    void log.commit(
      [{ ...author(), type: 'trigger.armed', data: { trigger_id: id, from: slot.toISOString() } }],
      'lazy',
    )
  const lookedUntil = (): Date => new Date(process.cronFrom.get(id) ?? clock.now())

  const fire = async (slot: Date, missed: number): Promise<void> => {
    const scheduled_time = slot.toISOString()
    if ([...process.mailbox.values()].some((event) => event.trigger_id === id)) return passed(slot)
    const payload = { scheduled_time, cron_expression: expression, timezone, missed }
    const timestamp = new Date(clock.now()).toISOString()
    const event = {
      event_id: slotEventId(process.name, id, scheduled_time),
      trigger_id: id,
      type: 'cron' as const,
      timestamp,
      payload,
      metadata: {},
    }
    const { accepted } = await intake(log, process, { trigger, event, key: scheduled_time })
    if (!accepted) passed(slot)
  }

  const due = (): void => {
    if (closed || next === undefined) return
    const now = new Date(clock.now())
    if (now < next) return wait()
    const slots = missedSlots(expression, timezone, lookedUntil(), now)
    const latest = slots.latest
    if (latest !== undefined) fire(latest, slots.count - 1).catch(parts.failed)
    arm()
  }

  const wait = (): void => {
    if (next !== undefined) timer = clock.setTimer(Math.min(next.getTime() - clock.now(), longestWaitMs), due)
  }

  const arm = (): void => {
    // After a backward step of the clock the slots that were fired stay fired.
    const from = Math.max(lookedUntil().getTime(), clock.now())
    next = nextSlot(expression, timezone, new Date(from))
    wait()
  }

  if (!process.cronFrom.has(id)) passed(new Date(clock.now()))
  next = new Date(clock.now())
  due()
  return {
    nextFire: () => next,
    async close() {
      closed = true
      timer?.cancel()
    },
  }
}
