import { type AcceptedEvent, type ProcessName, type Timer, VigilError } from '@vigil/protocol'
import { accept } from '../delivery/accept.ts'
import { refusal } from '../delivery/intake.ts'
import type { Trigger } from '../manifests/manifest.ts'
import type { ArmedTrigger, TriggerParts } from './armed-trigger.ts'
import { caughtUp, type DueSlot, overlapped } from './cron-policy.ts'
import { nextSlot, previousSlots } from './cron-slots.ts'
import { slotEventId, slotFraction, triggerId } from './event-id.ts'

/** setTimeout and suspended machines drift: a long wait is taken in pieces, each looking at the wall clock again. */
const longestWaitMs = 60_000
/** A slot that comes later than that was missed. */
const latenessMs = 60_000
/** Finding a slot takes up to 0.1 ms, so an every-second pattern after a year's sleep must not be counted out. */
const mostSlots = 1_000

/**
 * Fires each slot once, whoever else fires it: the event's id is a hash of trigger and slot. Slots that passed while nobody
 * looked, and slots that meet an unfinished one, are decided by policy; the fold knows how far it has decided.
 */
export function cronTrigger(parts: TriggerParts, trigger: Extract<Trigger, { type: 'cron' }>): ArmedTrigger {
  const { log, clock, process } = parts
  const id = triggerId(trigger)
  const { cronExpression: expression, timezone, catchUp = 'latest', overlap = 'skip', jitterMs = 0 } = trigger
  let timer: Timer | undefined
  let next: Date | undefined
  let closed = false

  const decidedUntil = (): number => Date.parse(process.cronFrom.get(id) ?? new Date(clock.now()).toISOString())

  const decided = (until: Date, counts: { missed?: number; skipped?: number }): void => {
    const author = { process: process.name as ProcessName, epoch: process.epoch }
    const data = { trigger_id: id, from: until.toISOString(), ...counts }
    log.commit([{ ...author, type: 'trigger.armed', data }], 'lazy')
  }

  /** When a slot fires: its share of the jitter follows from its name, so that a crash does not move it. */
  const dueAt = (slot: Date): number => {
    if (jitterMs === 0) return slot.getTime()
    const room = (nextSlot(expression, timezone, slot)?.getTime() ?? Number.POSITIVE_INFINITY) - slot.getTime() - 1
    const share = slotFraction(process.name, id, slot.toISOString())
    return slot.getTime() + Math.floor(share * Math.min(jitterMs, room))
  }

  const eventOf = ({ slot, missed }: DueSlot): AcceptedEvent => {
    const scheduled_time = slot.toISOString()
    return {
      event_id: slotEventId(process.name, id, scheduled_time),
      trigger_id: id,
      type: 'cron',
      timestamp: new Date(clock.now()).toISOString(),
      payload: { scheduled_time, cron_expression: expression, timezone, missed },
      metadata: {},
    }
  }

  const decide = (passed: readonly Date[], isFresh: boolean): void => {
    const counting = caughtUp(passed, catchUp, isFresh)
    const due = counting
      .filter(({ slot }) => process.dedupe.get(id)?.has(slot.toISOString()) !== true)
      .map((slot) => ({ ...slot, event: eventOf(slot) }))
      .filter(({ event }) => refusal(process, trigger, () => event) === undefined)
    const others = [...process.mailbox.values()].filter((event) => event.trigger_id === id)
    const { taken, endsOthers } = overlapped(due, overlap, others.length)
    if (endsOthers)
      for (const { event_id } of others) parts.end(event_id, overlap === 'cancel_other' ? 'cancel' : 'terminate')
    for (const { event, slot } of taken) {
      accept(log, process, { event, key: slot.toISOString() }).catch(parts.failed)
      // What is taken is folded at once. What is not, for want of room, stays to be decided.
      if (decidedUntil() < slot.getTime()) return
    }
    const skipped = due.length - taken.length
    const missed = passed.length - counting.length - taken.reduce((total, slot) => total + slot.missed, 0)
    const newest = passed.at(-1)
    if (newest !== undefined && (skipped + missed > 0 || decidedUntil() < newest.getTime()))
      decided(newest, { ...(missed === 0 ? {} : { missed }), ...(skipped === 0 ? {} : { skipped }) })
  }

  /** Decides what has passed, and waits for what comes next. */
  const look = (isAwaited: boolean): void => {
    if (closed) return
    const now = clock.now()
    const found = previousSlots(expression, timezone, new Date(decidedUntil()), new Date(now), mostSlots + 1)
    // Only the newest may still be behind its jitter, which never reaches the slot after it.
    const [undue] = found.slice(-1).filter((slot) => dueAt(slot) > now)
    const passed = (undue === undefined ? found : found.slice(0, -1)).slice(-mostSlots)
    if (found.length > mostSlots && catchUp === 'all') parts.failed(tooMany(expression))
    const newest = passed.at(-1)
    if (newest !== undefined) decide(passed, isAwaited && now - dueAt(newest) <= latenessMs)
    // After a backward step of the clock the slots that were decided stay decided.
    next = undue ?? nextSlot(expression, timezone, new Date(Math.max(decidedUntil(), now)))
    wait()
  }

  const wait = (): void => {
    if (closed || next === undefined) return
    const dueMs = dueAt(next)
    timer?.cancel()
    timer = clock.setTimer(Math.min(dueMs - clock.now(), longestWaitMs), () => {
      parts.lookAtClock()
      if (clock.now() < dueMs) wait()
      else look(true)
    })
  }

  if (!process.cronFrom.has(id)) decided(new Date(clock.now()), {})
  look(false)
  return {
    nextFire: () => next && new Date(dueAt(next)),
    clockStepped() {
      look(true)
    },
    async close() {
      closed = true
      timer?.cancel()
    },
  }
}

const tooMany = (expression: string): VigilError =>
  new VigilError(
    'TOO_LARGE',
    `more than ${mostSlots} slots of cron "${expression}" passed; only the newest are made up`,
  )
