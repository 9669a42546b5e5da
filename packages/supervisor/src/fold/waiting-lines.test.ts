import { type AcceptedEvent, limits, type RecordDraft } from '@vigil/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { alpha, manualEvent, started, worldOf } from '../../fixtures/process.ts'
import { admit } from '../delivery/admission.ts'
import { rulesOf } from '../delivery/trigger-rules.ts'
import { triggerId } from '../triggers/event-id.ts'
import type { ProcessFold } from './process-fold.ts'
import { triggersOf } from './trigger-layers.ts'
import { waitingEvents } from './waiting-lines.ts'

const moment = { retryInMs: () => 0, isExpired: () => false, ageMs: () => 0, nowMs: 0, budgetInMs: 0 }
const look = (fold: ProcessFold, isExpired: (event: AcceptedEvent) => boolean = () => false) =>
  admit(fold, { ...moment, isExpired, running: new Set(fold.turns.keys()) }).begin.map(
    ({ events }) => events[0].event_id,
  )

/** What begins, told by walking all that waits. */
function walked(fold: ProcessFold): string[] {
  const rules = rulesOf(triggersOf(fold))
  const laneOf = (event: AcceptedEvent) => rules.get(event.trigger_id)?.lane?.(event)
  const open = [...fold.turns.values()].map(({ eventId }) => fold.mailbox.get(eventId) as AcceptedEvent)
  const taken = new Set(open.map(laneOf).filter((lane) => lane !== undefined))
  let shared = fold.manifest.concurrency - open.filter((event) => laneOf(event) === undefined).length
  const begun = new Map([...fold.begun].map(([id, starts]) => [id, starts.length]))
  const waiting = [...waitingEvents(fold)]
  const ranked = ['high', undefined, 'low'].flatMap((rank) => waiting.filter(({ priority }) => priority === rank))
  return ranked.flatMap((event) => {
    const lane = laneOf(event)
    const rate = rules.get(event.trigger_id)?.rate
    const count = begun.get(event.trigger_id) ?? 0
    if (rate !== undefined && count >= rate.count) return []
    if (lane === undefined ? shared <= 0 : taken.has(lane)) return []
    if (lane === undefined) shared -= 1
    else taken.add(lane)
    begun.set(event.trigger_id, count + 1)
    return [event.event_id]
  })
}

const triggers = [
  { type: 'event', eventType: 'a', concurrencyKey: 'payload' },
  { type: 'event', eventType: 'b', concurrencyKey: 'payload', rateLimit: '1/1h' },
  { type: 'event', eventType: 'c' },
] as const

const sent = fc.record({
  trigger: fc.constantFrom(0, 0, 0, 1, 2),
  lane: fc.constantFrom('x', 'y', null),
  priority: fc.constantFrom('high', 'low', ...Array.from({ length: 6 }, () => undefined)),
})
const command = fc.oneof(
  { weight: 6, arbitrary: sent },
  { weight: 2, arbitrary: fc.constantFrom('begin' as const, 'end' as const, 'end' as const) },
  { weight: 2, arbitrary: fc.record({ cancel: fc.nat(3) }) },
)

test('what begins is what a walk through all that waits would find', () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 2 }),
    fc.array(command, { maxLength: 60 }),
    (lanes, commands) => {
      const { put, fold } = worldOf({ concurrency: lanes, triggers: triggers as never })
      const ids = triggersOf(fold()).map(triggerId)
      const end = (id: string): RecordDraft => {
        const data = { event_id: id, reason: 'x', by: 'operator' }
        return { ...alpha, type: 'turn.cancelled', turn: `t-${id}`, data }
      }
      for (const [at, one] of commands.entries()) {
        const next = look(fold())
        expect(next).toEqual(walked(fold()))
        if (one === 'begin') {
          for (const id of next) {
            const rate = fold().mailbox.get(id)?.trigger_id === ids[1] ? { rate: 1 } : {}
            put({
              ...started(id),
              data: { ...started(id).data, started_at: new Date(0).toISOString(), ...rate },
            } as never)
          }
        } else if (one === 'end') {
          const [open] = fold().turns.values()
          if (open !== undefined) put(end(open.eventId))
        } else if ('cancel' in one) {
          const found = [...fold().mailbox.keys()].at(one.cancel % Math.max(1, fold().mailbox.size))
          if (found !== undefined) put(end(found))
        } else {
          const { trigger, lane, priority } = one
          const event = { ...manualEvent(`e${at}`, lane), trigger_id: ids[trigger] as string }
          put({
            ...alpha,
            type: 'trigger.accepted',
            data: { event: priority === undefined ? event : { ...event, priority } },
          })
        }
      }
      expect(look(fold())).toEqual(walked(fold()))
    },
  )
  fc.assert(property, { numRuns: 300 })
})

test('who moves up in a line goes by when it came', () => {
  const { put, fold } = worldOf({ triggers: [triggers[0]] as never })
  const trigger_id = triggersOf(fold()).map(triggerId)[0] as string
  for (const [id, lane] of Object.entries({ e0: 'x', e1: 'x', e2: 'y' }))
    put({ ...alpha, type: 'trigger.accepted', data: { event: { ...manualEvent(id, lane), trigger_id } } })
  expect(look(fold())).toEqual(['e0', 'e2'])
  put({ ...alpha, type: 'turn.cancelled', turn: 't-e0', data: { event_id: 'e0', reason: 'x', by: 'operator' } })
  expect(look(fold())).toEqual(['e1', 'e2'])
})

test('ten thousand that wait are not looked through, whatever lanes are taken', () => {
  const { put, fold } = worldOf({ triggers: [triggers[0]] as never })
  const trigger_id = triggersOf(fold()).map(triggerId)[0] as string
  const come = (id: string, lane: number) =>
    put({ ...alpha, type: 'trigger.accepted', data: { event: { ...manualEvent(id, lane), trigger_id } } })
  for (let n = 0; n < 10_000; n += 1) come(`e${n}`, n % 200)
  let seen = 0
  const counted = () => {
    seen += 1
    return false
  }
  expect(look(fold(), counted)).toHaveLength(limits.keyedLanes)
  for (let n = 0; n < limits.keyedLanes - 1; n += 1) put(started(`e${n}`))
  expect(look(fold(), counted)).toEqual([`e${limits.keyedLanes - 1}`])
  put(started(`e${limits.keyedLanes - 1}`))
  expect(look(fold(), counted)).toEqual([])
  expect(seen).toBeLessThanOrEqual(2 * limits.keyedLanes)
})
