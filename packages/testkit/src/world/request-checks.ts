import { isDeepStrictEqual } from 'node:util'
import { eventsOf, type JournalRecord, type RecordData } from '@vigil/protocol'

type Ended = { readonly result: unknown } | 'without a result'

/** What a request was answered is what its receiver's turn came to, and no answer came before that. */
export function requestsAnswered(log: readonly JournalRecord[]): string[] {
  const broken: string[] = []
  const asked = new Map<string, RecordData<'message.sent'>>()
  const ended = new Map<string, Ended>()
  const gone = new Set<string>()
  for (const record of log) {
    if (record.type === 'process.removed') gone.add(record.process)
    if (record.type === 'message.sent' && record.data.request !== undefined)
      asked.set(`${record.process} ${record.turn} ${record.data.key}`, record.data)
    const end = endOf(record)
    for (const event of end?.events ?? []) ended.set(`${record.process} ${event}`, end?.is as Ended)
    if (record.type !== 'effect.completed' || record.data.kind !== 'request') continue
    const request = asked.get(`${record.process} ${record.turn} ${record.data.key}`)
    const wrong = wrongAnswer(record.data.outcome, request, (to, event) => ended.get(`${to} ${event}`), gone)
    if (wrong !== undefined) broken.push(`record ${record.seq}: ${record.data.key} of ${record.turn} ${wrong}`)
  }
  return broken
}

function endOf(record: JournalRecord): { readonly events: readonly string[]; readonly is: Ended } | undefined {
  if (record.type === 'turn.completed') return { events: eventsOf(record.data), is: { result: record.data.result } }
  if (record.type === 'turn.dead_lettered' || record.type === 'turn.cancelled')
    return { events: eventsOf(record.data), is: 'without a result' }
  return undefined
}

function wrongAnswer(
  outcome: RecordData<'effect.completed'>['outcome'],
  request: RecordData<'message.sent'> | undefined,
  endedOf: (to: string, event: string) => Ended | undefined,
  gone: ReadonlySet<string>,
): string | undefined {
  if (request === undefined) return outcome.ok ? 'was answered and never asked' : undefined
  const end = endedOf(request.to, request.message_id)
  if (!outcome.ok) {
    if (outcome.error.code !== 'REQUEST_FAILED' || end === 'without a result' || gone.has(request.to)) return undefined
    return `failed, and its receiver did not`
  }
  if (end === undefined) return 'was answered before its receiver ended'
  if (end !== 'without a result' && isDeepStrictEqual(end.result, outcome.value)) return undefined
  return 'was answered with another result than its receiver gave'
}
