import type { JournalRecord, Json, RecordedError } from '@vigil/protocol'

/** What an attempt did through the gate, in the order in which it ended. */
export interface TestEffect {
  /** `fetch`, `step`, `sleep`, `publish`, `send`, `file.write` … */
  readonly kind: string
  /** What tells it from others of its kind: for a step its name. */
  readonly key: string
  readonly input: unknown
  /** Its value, or its error. */
  readonly outcome:
    | { readonly ok: true; readonly value: unknown }
    | { readonly ok: false; readonly error: RecordedError }
}

/** How a turn ended. */
export interface TestTurn {
  readonly status: 'completed' | 'dead_lettered'
  /** What `run` returned, when it completed. */
  readonly result?: unknown
  /** Why it is a dead letter, when it is one. */
  readonly error?: RecordedError
  readonly attempts: number
  readonly effects: readonly TestEffect[]
  /** Committed state behind the turn. */
  readonly state: Readonly<Record<string, Json>>
}

/** The turn of an event as the records of its process tell it, oldest first; undefined while it has not ended. */
export function turnFrom(records: readonly JournalRecord[], eventId: string): Omit<TestTurn, 'state'> | undefined {
  const end = records.find(
    (record) =>
      (record.type === 'turn.completed' || record.type === 'turn.dead_lettered') && record.data.event_id === eventId,
  )
  if (end === undefined) return undefined
  const effects = effectsOf(records.filter(({ turn }) => turn !== undefined && turn === end.turn))
  if (end.type === 'turn.completed')
    return { status: 'completed', result: end.data.result, attempts: end.data.attempt, effects }
  if (end.type === 'turn.dead_lettered')
    return { status: 'dead_lettered', error: end.data.error, attempts: end.data.attempts, effects }
  return undefined
}

function effectsOf(records: readonly JournalRecord[]): TestEffect[] {
  const inputs = new Map<string, unknown>()
  const effects: TestEffect[] = []
  for (const record of records) {
    if (record.type === 'effect.intended') inputs.set(record.data.key, record.data.input)
    else if (record.type === 'effect.completed') {
      const { kind, key, outcome } = record.data
      effects.push({
        kind,
        key,
        input: inputs.get(key),
        outcome: outcome.ok ? { ok: true, value: outcome.value } : outcome,
      })
    } else if (record.type === 'bus.published') {
      const { topic, data, key = '' } = record.data
      effects.push({ kind: 'publish', key, input: { topic, data }, outcome: { ok: true, value: null } })
    } else if (record.type === 'memory.stored') {
      const { id, text, tags, key } = record.data
      if (key === undefined) continue
      effects.push({ kind: 'memory.store', key, input: { text, tags }, outcome: { ok: true, value: { id } } })
    } else if (record.type === 'memory.forgotten') {
      const { id, was_there, key = '' } = record.data
      effects.push({ kind: 'memory.forget', key, input: { id }, outcome: { ok: true, value: was_there } })
    } else if (record.type === 'message.sent') {
      const { to, content, key = '', request } = record.data
      if (request !== undefined) inputs.set(key, { to, content })
      else effects.push({ kind: 'send', key, input: { to, content }, outcome: { ok: true, value: null } })
    }
  }
  return effects
}
