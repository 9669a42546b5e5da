import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { type JournalRecord, type ModelReply, type RecordDraft, VigilError } from '@vigil/protocol'
import { virtualClock } from '@vigil/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { accepted, alpha, started, worldOf } from '../../packages/supervisor/fixtures/process.ts'
import { telemetry } from '../../packages/supervisor/src/telemetry/telemetry.ts'
import { type FakeSdk, type ToldSpan, withSdk } from '../support/telemetry-sdk.ts'

let sdk: FakeSdk
beforeEach(() => {
  sdk = withSdk()
})
afterEach(() => sdk.close())
const spans = () => sdk.spans()
const points = () => sdk.points()
const named = (name: string): ToldSpan => spans().find((span) => span.name === name) as ToldSpan

/** Records as they would come, each a second behind the other. */
function teller() {
  const ring = worldOf({ model: 'openai:gpt-5-mini' })
  const clock = virtualClock({ now: 1_000 })
  const told = telemetry({ world: ring.world, clock, version: '1' })
  const put = (...drafts: RecordDraft[]): JournalRecord[] =>
    drafts.map((draft) => {
      const record = ring.put(told.marked(draft))
      told.heard(record)
      return record
    })
  put(accepted('e1'))
  return { ...ring, told, put }
}

const turn = 't-e1'
const intended = (key: string, kind: string, input: object): RecordDraft => ({
  ...{ ...alpha, type: 'effect.intended', turn },
  data: { key, kind, input, repeatable: true },
})
const completed = (key: string, kind: string, value: unknown, spent = {}): RecordDraft => ({
  ...{ ...alpha, type: 'effect.completed', turn },
  data: { key, kind, outcome: { ok: true, value }, ...spent },
})
const failed = (key: string, kind: string, code: 'MODEL_TIMEOUT' | 'TOOL_FAILED'): RecordDraft => ({
  ...{ ...alpha, type: 'effect.completed', turn },
  data: { key, kind, outcome: { ok: false, error: { code, message: new VigilError(code, 'secret words').message } } },
})
const done: RecordDraft = {
  ...{ ...alpha, type: 'turn.completed', turn },
  data: { event_id: 'e1', attempt: 1, result: 'secret words', writes: {} },
}
const reply: ModelReply = {
  ...{ text: 'secret words', calls: [], finish: 'stop', model: 'gpt-5-mini-2026', usd: 0.25 },
  usage: { input: 120, output: 30 },
}
const asked = { model: 'openai:gpt-5-mini', hash: 'h', messages: 1, bytes: 9, purpose: 'turn' }

test('a turn, its thoughts and its tools are spans of one trace, by the conventions', async () => {
  const { put } = teller()
  put(started('e1'))
  put(intended('model.generate:#0', 'model.generate', asked))
  put(completed('model.generate:#0', 'model.generate', reply, { spent: { usd: 250_000, tokens: 150 } }))
  put(intended('tool:pay:h#0', 'tool', { name: 'pay', input: 'secret words' }))
  put(intended('tool:pay:h#0/server.tool:x#0', 'server.tool', { name: 'bank__transfer' }))
  put(failed('tool:pay:h#0/server.tool:x#0', 'server.tool', 'TOOL_FAILED'))
  put(completed('tool:pay:h#0', 'tool', 'secret words'))
  put(done)
  const agent = named('invoke_agent alpha')
  expect(agent).toMatchObject({
    kind: SpanKind.INTERNAL,
    parent: undefined,
    attributes: {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'alpha',
      'gen_ai.conversation.id': 'alpha',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-5-mini',
      'vigil.turn': turn,
      'vigil.attempt': 1,
      'vigil.end': 'completed',
    },
  })
  const chat = named('chat gpt-5-mini')
  expect(chat).toMatchObject({
    ...{ kind: SpanKind.CLIENT, parent: agent.id, ms: 1_000, status: SpanStatusCode.UNSET },
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-5-mini',
      'gen_ai.response.model': 'gpt-5-mini-2026',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 120,
      'gen_ai.usage.output_tokens': 30,
    },
  })
  const tool = named('execute_tool pay')
  expect(tool).toMatchObject({ parent: agent.id, ms: 3_000, attributes: { 'gen_ai.tool.name': 'pay' } })
  expect(named('execute_tool bank__transfer')).toMatchObject({
    ...{ parent: tool.id, kind: SpanKind.CLIENT, status: SpanStatusCode.ERROR },
    attributes: { 'error.type': 'TOOL_FAILED' },
  })
  expect(new Set(spans().map((span) => span.trace)).size).toBe(1)
  expect(JSON.stringify(spans())).not.toMatch('secret')
  const about = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-5-mini',
  }
  const answered = { ...about, 'gen_ai.response.model': 'gpt-5-mini-2026' }
  expect(await points()).toEqual({
    'gen_ai.client.operation.duration': [[answered, { count: 1, sum: 1 }]],
    'gen_ai.client.token.usage': [
      [
        { ...answered, 'gen_ai.token.type': 'input' },
        { count: 1, sum: 120 },
      ],
      [
        { ...answered, 'gen_ai.token.type': 'output' },
        { count: 1, sum: 30 },
      ],
    ],
    'vigil.cost': [[{ 'gen_ai.agent.name': 'alpha', 'gen_ai.operation.name': 'chat' }, 0.25]],
    'vigil.turns': [[{ 'gen_ai.agent.name': 'alpha', 'vigil.end': 'completed' }, 1]],
  })
})

test('an attempt that fails and a life that is cut end their spans, and what goes on is linked to them', async () => {
  const { put, fold } = teller()
  put(started('e1'))
  put(intended('model.generate:#0', 'model.generate', asked))
  put({
    ...alpha,
    type: 'incarnation.exited',
    data: { cause: { kind: 'signal', signal: 'SIGKILL' }, turns: [turn], charged: false },
  })
  put(started('e1'))
  put(failed('model.generate:#0', 'model.generate', 'MODEL_TIMEOUT'))
  const error = { code: 'MODEL_TIMEOUT', message: 'secret words' }
  put({
    ...alpha,
    type: 'turn.attempt_failed',
    turn,
    data: { attempt: 1, error, retry_at: '2026-01-01T00:00:00.000Z' },
  })
  put(started('e1', 2))
  put({
    ...alpha,
    type: 'turn.dead_lettered',
    turn,
    data: { event_id: 'e1', attempts: 2, reason: 'not_retryable', error },
  })
  const [cut, chat, first, second] = spans()
  expect([cut, first, second].map((span) => [span?.attributes['vigil.end'], span?.links])).toEqual([
    ['cut', []],
    ['failed', [cut?.id]],
    ['dead_lettered', [first?.id]],
  ])
  // Ring 0 makes the call, whoever lives and dies in between.
  expect(chat).toMatchObject({ parent: cut?.id, ms: 3_000, attributes: { 'error.type': 'MODEL_TIMEOUT' } })
  expect(first?.attributes['error.type']).toBe('MODEL_TIMEOUT')
  expect((await points())['vigil.dead_letters']).toEqual([
    [{ 'gen_ai.agent.name': 'alpha', 'vigil.reason': 'not_retryable' }, 1],
  ])
  expect(fold().turns.size).toBe(0)
})

test('without an SDK nothing is begun and nothing is on record of it; one that comes later is told from then on', async () => {
  await sdk.close()
  const { put } = teller()
  const [record] = put(started('e1'))
  expect(record?.data).not.toHaveProperty('trace')
  put(intended('model.generate:#0', 'model.generate', asked))
  sdk = withSdk()
  put(completed('model.generate:#0', 'model.generate', reply))
  put(intended('model.generate:#1', 'model.generate', asked))
  put(completed('model.generate:#1', 'model.generate', reply))
  put(done)
  expect(spans().map(({ name, parent }) => [name, parent])).toEqual([['chat gpt-5-mini', undefined]])
  expect((await points())['vigil.turns']).toHaveLength(1)
})

test('what nobody ends does not grow for ever, and ends with the life', () => {
  const { put, told } = teller()
  put(started('e1'))
  for (let n = 0; n < 10_050; n += 1) put(intended(`tool:t:h#${n}`, 'tool', { name: 't' }))
  expect(spans()).toHaveLength(51)
  told.close()
  expect(spans()).toHaveLength(10_051)
})

test('a turn that goes on after the death of ring 0 is linked to the span that died with it', () => {
  const { put, world } = teller()
  const [before] = put(started('e1'))
  const { trace: mark = '' } = (before?.data ?? {}) as { trace?: string }
  expect(mark).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  // Another ring 0, of which no span is known, over what the log says.
  const next = telemetry({ world, clock: virtualClock(), version: '1' })
  next.marked(started('e1'))
  next.close()
  expect(spans().map(({ links }) => links)).toEqual([[mark.split('-')[2]]])
})
