import type { JournalRecord } from '@vigil/protocol'
import { type LedgerEntry, ledgerViolations } from '../effects-ledger/ledger.ts'
import { readBack } from '../read-back.ts'
import type { Employment } from './employment.ts'

/** Everything that is wrong with a fleet that was let to its end, in words: the promises I1 to I5 of the rounds. */
export async function roundViolations(
  data: string,
  { asked, witnessed }: Employment,
  entries: readonly LedgerEntry[],
): Promise<string[]> {
  const { log, folds, waiting, broken } = await readBack(data)
  const events = new Map(log.flatMap((record) => acceptedBy(record).map((event) => [event.id, event])))
  const ended = new Map(log.flatMap((record) => endedBy(record).map((id) => [id, record.type])))
  for (const event of waiting) if (!event.endsWith(' of ticker')) broken.push(`${event} has not ended`)
  for (const { agent, name, eventId, cancelled } of asked) {
    if (agent === 'watcher') continue
    if (!events.has(eventId ?? '')) broken.push(`${name} was acknowledged and is not in the log`)
    if (cancelled && ended.get(eventId ?? '') !== 'turn.cancelled')
      broken.push(`${name} was cancelled and ended as ${ended.get(eventId ?? '')}`)
  }
  broken.push(...forgotten(witnessed, log), ...missedSlots(log), ...backwards(entries, log))
  for (const { name, completed, state } of folds.values())
    if (state.get('count') !== completed)
      broken.push(`${name} completed ${completed} turns and counted ${state.get('count')}`)

  // An event that was cancelled may have left its effect, and what it told, or not.
  const done = new Set(entries.map(({ body }) => `${body.agent} ${body.event}`))
  const expected = expectedEffects(asked, events, ended).filter(
    ({ maybe, agent, event }) => !maybe || done.has(`${agent} ${event}`),
  )
  broken.push(...ledgerViolations(entries, expected, log))
  const payments = entries.flatMap(({ body }) => (body.agent === 'teller' ? [body.event] : []))
  for (const name of payments)
    if (payments.indexOf(name) !== payments.lastIndexOf(name)) broken.push(`${name} was paid twice`)
  return [...new Set(broken)]
}

interface Accepted {
  readonly process: string
  readonly id: string
  readonly payload: unknown
}

function acceptedBy(record: JournalRecord): Accepted[] {
  if (record.type === 'trigger.accepted' || record.type === 'dead_letter.redelivered')
    return [{ process: record.process, id: record.data.event.event_id, payload: record.data.event.payload }]
  return []
}

function endedBy(record: JournalRecord): string[] {
  const isEnd =
    record.type === 'turn.completed' || record.type === 'turn.cancelled' || record.type === 'turn.dead_lettered'
  return isEnd ? [record.data.event_id] : []
}

function expectedEffects(
  asked: Employment['asked'],
  events: ReadonlyMap<string, Accepted>,
  ended: ReadonlyMap<string, string>,
) {
  const slots = [...events.values()].flatMap(({ process, id, payload }) =>
    process === 'ticker'
      ? [
          {
            agent: process,
            event: (payload as { scheduled_time: string }).scheduled_time,
            maybe: ended.get(id) === undefined,
          },
        ]
      : [],
  )
  return [
    ...slots,
    ...asked.flatMap(({ agent, name, cancelled = false }) => [
      { agent: agent as string, event: name, maybe: cancelled },
      ...(agent === 'desk' ? [{ agent: 'clerk', event: `told ${name}`, maybe: cancelled }] : []),
      ...(agent === 'teller' ? [{ agent: 'clerk', event: `receipt ${name}`, maybe: false }] : []),
    ]),
  ]
}

/** What anybody was shown is in the log, at its place and as it was. */
function forgotten(witnessed: Employment['witnessed'], log: readonly JournalRecord[]): string[] {
  const places = new Map(log.map((record) => [`${record.process} ${record.n}`, record]))
  return witnessed.flatMap(({ process, n, type, at }) => {
    const record = places.get(`${process} ${n}`)
    return record?.type === type && record.at === at
      ? []
      : [`${process} showed ${type} at ${n}, the log has ${record?.type}`]
  })
}

/** Every slot since the first is there. */
function missedSlots(log: readonly JournalRecord[]): string[] {
  const slots = log.flatMap((record) =>
    record.process === 'ticker' && record.type === 'trigger.accepted'
      ? [Date.parse((record.data.event.payload as { scheduled_time: string }).scheduled_time)]
      : [],
  )
  return slots.flatMap((slot, index) => {
    const before = slots[index - 1] ?? slot - 2_000
    return slot - before === 2_000
      ? []
      : [`slot ${new Date(slot).toISOString()} came ${slot - before} ms after the one before`]
  })
}

/** Each agent makes one effect after the other, so the epochs in which they were first made never decrease. */
function backwards(entries: readonly LedgerEntry[], log: readonly JournalRecord[]): string[] {
  const epochs = new Map(
    log.flatMap((record) =>
      record.type === 'effect.intended' ? [[record.data.idempotency_key, record.epoch] as const] : [],
    ),
  )
  const latest = new Map<string, number>()
  const seen = new Set<string | undefined>()
  return entries.flatMap(({ key, body }) => {
    const epoch = epochs.get(key) ?? 0
    if (seen.has(key)) return []
    seen.add(key)
    const before = latest.get(body.agent) ?? 0
    latest.set(body.agent, Math.max(before, epoch))
    return epoch < before ? [`${body.agent} acted for ${body.event} in epoch ${epoch} after ${before}`] : []
  })
}
