import { type JournalRecord, limits, type RecordData, type RecordType } from '@vigil/protocol'
import type { EndedRequest, ProcessFold, RequestFold } from './process-fold.ts'
import { settleEffect } from './turn-fold.ts'

type Of<T extends RecordType> = Extract<JournalRecord, { type: T }>

/** What turns ask people for: an effect without outcome, and a row among the requests until it has one. */
export function foldRequestOpened(process: ProcessFold, { at, turn: id = '', data }: Of<'request.opened'>): void {
  const turn = process.turns.get(id)
  if (turn === undefined) return
  const { key, call: kind, input_hash: inputHash, timeout_ms: timeoutMs, on_timeout: onTimeout } = data
  const input = { request: data.id, input_hash: inputHash }
  turn.effects.set(key, { key, kind, at, attempt: turn.attempt, input, repeatable: true, rerun: false })
  const { id: request, kind: asks, asked, deadline } = data
  process.requests.set(request, {
    ...{ id: request, turn: id, key, kind: asks, at, asked },
    ...{ inputHash, deadline, timeoutMs, onTimeout },
  })
}

export function foldRequestDecided(process: ProcessFold, record: Of<'request.decided'>): void {
  const { decision: end, by, reason } = record.data
  settle(process, record, { end, by, ...(reason === undefined ? {} : { reason }) })
}

export function foldRequestExpired(process: ProcessFold, record: Of<'request.expired'>): void {
  const { id, policy, deadline } = record.data
  const open = process.requests.get(id)
  if (deadline === undefined) settle(process, record, { end: 'expired', by: 'policy', reason: policy })
  // Whom nobody answered twice is denied.
  else if (open !== undefined) {
    const { isTold: _, ...rest } = open
    process.requests.set(id, { ...rest, deadline, onTimeout: 'deny', isEscalated: true })
  }
}

function settle(
  process: ProcessFold,
  { at, turn: id = '', data }: { readonly at: string; readonly turn?: string; readonly data: Outcomes },
  how: Pick<EndedRequest, 'end' | 'by' | 'reason'>,
): void {
  const open = process.requests.get(data.id)
  const turn = process.turns.get(id)
  const effect = turn?.effects.get(data.key)
  if (open === undefined) return
  end(process, open, at, how)
  if (turn !== undefined && effect !== undefined && data.outcome !== undefined)
    settleEffect(turn, { ...effect, at, outcome: data.outcome })
}

type Outcomes = Pick<RecordData<'request.expired'>, 'id' | 'key' | 'outcome'>

/** What is waited for, since when and how long, for people. */
export const requestWords = (open: Iterable<RequestFold>): string =>
  [...open].map(({ kind, id, at, deadline }) => `${kind} ${id} since ${at}, until ${deadline}`).join('; ')

export const requestsOf = ({ requests }: ProcessFold, turn: string): RequestFold[] =>
  [...requests.values()].filter((open) => open.turn === turn)

/** Whoever asked is over, and with that the question. */
export function withdrawRequests(process: ProcessFold, { at, turn, type }: JournalRecord): void {
  for (const open of process.requests.values())
    if (open.turn === turn) end(process, open, at, { end: 'withdrawn', by: 'policy', reason: type })
}

function end(
  process: ProcessFold,
  { id, turn, kind }: RequestFold,
  at: string,
  how: Pick<EndedRequest, 'end' | 'by' | 'reason'>,
): void {
  process.requests.delete(id)
  process.endedRequests.push({ id, turn, kind, at, ...how })
  if (process.endedRequests.length > limits.endedRequests) process.endedRequests.shift()
}
