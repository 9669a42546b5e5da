import { type Attributes, type Link, SpanKind, TraceFlags } from '@opentelemetry/api'
import type { Clock, JournalRecord, ModelReply, RecordData, RecordDraft } from '@vigil/protocol'
import type { World } from '../fold/world.ts'
import { attribute, operations } from './conventions.ts'
import { instrumentsOf } from './instruments.ts'
import { isTracing, openSpans } from './open-spans.ts'

/**
 * Tells OpenTelemetry what agents do, for whoever has brought an SDK into the process. A span of a turn is one attempt in one life: it begins
 * when its record is drafted, which holds its name, so that the next life links to it whatever became of this one. All else follows
 * records that are durable: what leaves the house has happened. Neither prompts nor replies are told.
 */
export interface Telemetry {
  /** The draft, and in it the name of the span that begins with it. */
  marked(draft: RecordDraft): RecordDraft
  heard(record: JournalRecord): void
  /** What is open ends with the life of ring 0. */
  close(): void
}

export interface TelemetryParts {
  readonly world: World
  readonly clock: Clock
  readonly version: string
}

type Started = Extract<RecordDraft, { type: 'turn.started' }>
type Of<T extends JournalRecord['type']> = Extract<JournalRecord, { type: T }>

export function telemetry({ world, clock, version }: TelemetryParts): Telemetry {
  const spans = openSpans(version)
  const instruments = instrumentsOf(version)
  /** When a call of a model was begun, and of which: for what is measured of it. */
  const calls = new Map<string, { readonly atMs: number; readonly attributes: Attributes }>()

  const beginTurn = (draft: Started): Started => {
    const { process, turn = '', data } = draft
    const fold = world.get(process)
    const model = fold?.turns.get(turn)?.thinking?.model ?? fold?.manifest.thinking?.model
    const span = spans.begin(turnName(draft), {
      title: `${operations.agent} ${process}`,
      kind: SpanKind.INTERNAL,
      atMs: clock.now(),
      attributes: {
        [attribute.operation]: operations.agent,
        [attribute.agent]: process,
        [attribute.conversation]: process,
        [attribute.turn]: turn,
        [attribute.attempt]: data.attempt,
        ...(model === undefined ? {} : modelAttributes(model)),
      },
      links: linksTo(fold?.turns.get(turn)?.trace),
    })
    if (span === undefined) return draft
    const { traceId, spanId, traceFlags } = span.spanContext()
    return { ...draft, data: { ...data, trace: `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}` } }
  }

  const beginEffect = (record: Of<'effect.intended'>): void => {
    const { key, kind, input } = record.data
    if (!(kind in operations) || kind === 'agent') return
    const operation = operations[kind as keyof typeof operations]
    const { name, model } = (input ?? {}) as { readonly name?: string; readonly model?: string }
    const what = isModel(kind) ? modelAttributes(model ?? '') : { [attribute.tool]: name ?? '' }
    const attributes = { [attribute.operation]: operation, ...what }
    if (isModel(kind)) remember(`${turnName(record)} ${key}`, { atMs: Date.parse(record.at), attributes })
    spans.begin(`${turnName(record)} ${key}`, {
      title: `${operation} ${isModel(kind) ? what[attribute.requestModel] : name}`,
      kind: isModel(kind) || kind === 'server.tool' ? SpanKind.CLIENT : SpanKind.INTERNAL,
      atMs: Date.parse(record.at),
      attributes: { ...attributes, [attribute.agent]: record.process, [attribute.conversation]: record.process },
      parent: parentOf(record, key),
    })
  }

  /** The call that this one stands under, else its turn. */
  const parentOf = (record: JournalRecord, key: string) => {
    for (let at = key.lastIndexOf('/'); at > 0; at = key.lastIndexOf('/', at - 1)) {
      const span = spans.get(`${turnName(record)} ${key.slice(0, at)}`)
      if (span !== undefined) return span
    }
    return spans.get(turnName(record))
  }

  const remember = (name: string, call: { atMs: number; attributes: Attributes }): void => {
    calls.set(name, call)
    const [oldest] = calls.keys()
    if (calls.size > mostCalls && oldest !== undefined) calls.delete(oldest)
  }

  const endEffect = (record: Of<'effect.completed'>): void => {
    const name = `${turnName(record)} ${record.data.key}`
    const { outcome, kind, spent } = record.data
    const error = outcome.ok ? undefined : outcome.error.code
    const reply = outcome.ok && isModel(kind) ? (outcome.value as Partial<ModelReply> | null) : undefined
    const atMs = Date.parse(record.at)
    spans.end(name, { atMs, attributes: replyAttributes(reply), error })
    const usd = spent?.usd ?? 0
    if (usd > 0) instruments()?.cost.add(usd / 1e6, { [attribute.agent]: record.process, ...operationOf(kind) })
    const call = calls.get(name)
    calls.delete(name)
    if (call !== undefined) measure(call, { atMs, reply, error })
  }

  const measure = (
    { atMs, attributes }: { atMs: number; attributes: Attributes },
    end: { atMs: number; reply: Partial<ModelReply> | null | undefined; error: string | undefined },
  ): void => {
    const { model, usage } = end.reply ?? {}
    const all = { ...attributes, ...(model === undefined ? {} : { [attribute.responseModel]: model }) }
    const failed = end.error === undefined ? {} : { [attribute.error]: end.error }
    instruments()?.duration.record(Math.max(0, end.atMs - atMs) / 1_000, { ...all, ...failed })
    for (const type of usage === undefined ? [] : (['input', 'output'] as const))
      instruments()?.tokens.record(usage?.[type] ?? 0, { ...all, [attribute.tokenType]: type })
  }

  const endTurn = (record: JournalRecord, end: string, error?: string): void =>
    spans.end(turnName(record), { atMs: Date.parse(record.at), attributes: { [attribute.end]: end }, error })

  const ended = (record: JournalRecord, end: string, error?: string): void => {
    endTurn(record, end, error)
    instruments()?.turns.add(1, { [attribute.agent]: record.process, [attribute.end]: end })
  }

  return {
    marked: (draft) => (draft.type === 'turn.started' && isTracing() ? beginTurn(draft) : draft),
    heard(record) {
      if (!isTracing() && instruments() === undefined) return
      switch (record.type) {
        case 'effect.intended':
          return beginEffect(record)
        case 'effect.completed':
          return endEffect(record)
        case 'turn.completed':
          return ended(record, 'completed')
        case 'turn.cancelled':
          return ended(record, 'cancelled')
        case 'turn.dead_lettered': {
          const { error, reason } = record.data
          instruments()?.deadLetters.add(1, { [attribute.agent]: record.process, [attribute.reason]: reason })
          return ended(record, 'dead_lettered', error.code)
        }
        case 'turn.attempt_failed':
          return endTurn(record, 'failed', record.data.error.code)
        case 'turn.parked':
          return endTurn(record, 'parked', record.data.error.code)
        case 'turn.suspended':
          return endTurn(record, 'suspended')
        case 'incarnation.exited':
        case 'incarnation.released':
          for (const turn of record.data.turns) endTurn({ ...record, turn }, 'cut')
      }
    },
    close: () => spans.endAll('', { atMs: clock.now(), attributes: { [attribute.end]: 'cut' } }),
  }
}

const mostCalls = 10_000

/** Ids of turns may be the same in several processes. */
const turnName = ({ process, turn = '' }: { readonly process: string; readonly turn?: string }): string =>
  `${process} ${turn}`

const isModel = (kind: string): boolean => kind === 'model.generate' || kind === 'model.embed'

const operationOf = (kind: string): Attributes =>
  kind in operations ? { [attribute.operation]: operations[kind as keyof typeof operations] } : {}

function modelAttributes(model: string): Attributes {
  const at = model.indexOf(':')
  return { [attribute.provider]: model.slice(0, Math.max(0, at)), [attribute.requestModel]: model.slice(at + 1) }
}

const replyAttributes = (reply: Partial<ModelReply> | null | undefined): Attributes => ({
  ...(reply?.model === undefined ? {} : { [attribute.responseModel]: reply.model }),
  ...(reply?.finish === undefined ? {} : { [attribute.finishReasons]: [reply.finish] }),
  ...(reply?.usage === undefined
    ? {}
    : { [attribute.inputTokens]: reply.usage.input, [attribute.outputTokens]: reply.usage.output }),
})

/** As W3C writes it. */
function linksTo(before: RecordData<'turn.started'>['trace']): Link[] {
  const [, traceId, spanId, flags] = before?.split('-') ?? []
  if (traceId === undefined || spanId === undefined) return []
  return [{ context: { traceId, spanId, traceFlags: Number(flags), isRemote: true } }]
}
