import { type JournalRecord, limitRows, type ModelRequest, type ProcessName } from '@vigil/protocol'
import { scripted } from '@vigil/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import { budgetOf } from '../../packages/supervisor/src/fold/purse-fold.ts'
import { spendOf } from '../../packages/supervisor/src/ledger/budget-status.ts'
import { requestTokens } from '../../packages/supervisor/src/models/request-size.ts'
import { type GateRing, type GateRingOptions, openGateRing } from '../support/gate-ring.ts'

let ring: GateRing
const open = async (options: GateRingOptions = {}): Promise<GateRing> => {
  ring = await openGateRing({ hasLedger: true, ...options })
  return ring
}
afterEach(() => ring.close())

const request = (rest: Partial<ModelRequest> = {}): ModelRequest => ({
  model: 'test:cheap',
  messages: [{ role: 'user', text: 'hello' }],
  max_output_tokens: 1_000,
  purpose: 'turn',
  ...rest,
})
const call = async (rest: Partial<ModelRequest> = {}, key = 'model.generate#0', turn = 't1') => {
  const made = ring.gate.call({ process: 'worker', turn, key, kind: 'model.generate', input: request(rest) })
  await ring.clock.advance(60_000)
  const reply = await made
  return 'outcome' in reply ? reply.outcome : undefined
}
const secondTurn = () => {
  const author = { process: 'worker' as ProcessName, epoch: 1 }
  const event = { event_id: 'e2', trigger_id: 'manual', type: 'manual', timestamp: '2026-01-01T00:00:00.000Z' }
  const data = { event_id: 'e2', attempt: 1, bundle: 'b1', started_at: event.timestamp }
  ring.commit(
    { ...author, type: 'trigger.accepted', data: { event: { ...event, payload: null, metadata: {} } } },
    { ...author, type: 'turn.started', turn: 't2', data },
  )
}
const dataOf = async <T extends JournalRecord['type']>(type: T) =>
  (await ring.records(type)).map((record) => record.data as Extract<JournalRecord, { type: T }>['data'])
const purse = () => ring.world.get('worker')?.purse
const turnPurse = () => ring.world.get('worker')?.turns.get('t1')?.purse

describe('a call of a model', () => {
  test('reserves the worst that it can cost, and is settled at what it has used', async () => {
    await open({ model: () => ({ text: 'hi', usage: { input: 10, output: 5 } }) })
    expect(await call()).toMatchObject({ ok: true, value: { text: 'hi', usd: 0.00002 } })
    const tokens = requestTokens(request())
    const reserved = { model_calls: 1, tokens: tokens + 1_000, usd: tokens + 2 * 1_000 }
    expect(await dataOf('effect.intended')).toMatchObject([{ reserved }])
    const spent = { model_calls: 1, tokens: 15, usd: 20 }
    expect(await dataOf('effect.completed')).toMatchObject([{ spent, released: reserved }])
    expect(purse()).toMatchObject({ reserved: {}, periods: { day: { spent } } })
    expect(turnPurse()).toMatchObject({ reserved: {}, spent })
  })

  test('costs nothing when no model was reached, its bytes when nobody knows its end, and all when nothing is known', async () => {
    await open({
      model: scripted([
        { error: 'MODEL_RATE_LIMITED', failure: { status: 429 } },
        { error: 'MODEL_MALFORMED', failure: { answered: 40 } },
        { error: 'MODEL_UNAVAILABLE', failure: { unknown: true } },
      ]),
    })
    const tokens = requestTokens(request())
    for (const key of ['a', 'b', 'c']) expect(await call({}, key)).toMatchObject({ ok: false })
    expect((await dataOf('effect.completed')).map(({ spent }) => spent)).toEqual([
      { model_calls: 1 },
      { model_calls: 1, tokens: tokens + 40, usd: tokens + 2 * 40 },
      { model_calls: 1, tokens: tokens + 1_000, usd: tokens + 2 * 1_000 },
    ])
    const [, malformed] = (await dataOf('effect.completed')).map(({ outcome }) => outcome)
    expect(malformed).toMatchObject({ error: { details: { usage: { estimated: true, output: 40 } } } })
    expect(purse()?.reserved).toEqual({})
  })

  test('that is under way when ring 0 dies is made again, paid again, and shown so', async () => {
    await open({ model: () => ({ text: 'hi', usage: { input: 10, output: 5 } }) })
    void ring.call('model.generate', request())
    await ring.clock.advance(6)
    await ring.crash()
    expect(await call()).toMatchObject({ ok: true })
    expect(ring.models.billed).toHaveLength(2)
    const [intent] = await dataOf('effect.intended')
    const { usd, tokens } = intent?.reserved ?? {}
    expect(await dataOf('effect.repeated')).toMatchObject([{ key: 'model.generate#0', reserved: { usd, tokens } }])
    expect(turnPurse()?.spent).toEqual({ model_calls: 1, tokens: (tokens ?? 0) + 15, usd: (usd ?? 0) + 20 })
    expect(turnPurse()?.reserved).toEqual({})
  })

  test('is not made again where there is no room for it to be paid again', async () => {
    await open({ specs: [{ name: 'worker', budget: { maxCostPerInvocation: 0.003 } }] })
    void ring.call('model.generate', request())
    await ring.clock.advance(6)
    await ring.crash()
    expect(await call()).toMatchObject({ ok: false, error: { code: 'BUDGET_EXCEEDED' } })
    expect(ring.models.asked).toHaveLength(1)
    expect(await dataOf('effect.repeated')).toEqual([])
  })

  test('that asks something else after the crash has diverged, and is not made', async () => {
    await open()
    void ring.call('model.generate', request())
    await ring.clock.advance(6)
    await ring.crash()
    const other = await call({ messages: [{ role: 'user', text: 'something else' }] })
    expect(other).toMatchObject({ ok: false, error: { code: 'TURN_DIVERGED' } })
    expect(ring.models.asked).toHaveLength(1)
  })

  test('is never the answer to another question, under way or on record', async () => {
    await open()
    const first = ring.call('model.generate', request())
    const other = await call({ messages: [{ role: 'user', text: 'something else' }] })
    expect(other).toMatchObject({ ok: false, error: { code: 'TURN_DIVERGED' } })
    expect((await first).outcome).toMatchObject({ ok: true })
    const later = await call({ messages: [{ role: 'user', text: 'something else' }] })
    expect(later).toMatchObject({ ok: false, error: { code: 'TURN_DIVERGED' } })
    expect(await call()).toMatchObject({ ok: true })
    expect(ring.models.asked).toHaveLength(1)
  })

  test('whose price nobody knows is refused under a limit in dollars, with the line to add', async () => {
    await open()
    const { error } = (await call({ model: 'test:unknown' })) as { error?: { code: string; message: string } }
    expect(error).toMatchObject({ code: 'MODEL_UNPRICED' })
    expect(error?.message).toContain('providers: { test: { prices: { "unknown":')
    expect(ring.models.asked).toHaveLength(0)
  })

  test('whose price nobody knows runs without any limit in dollars, at 0', async () => {
    await open({ specs: [{ name: 'worker', budget: 'unlimited' }] })
    expect(budgetOf(ring.world.get('worker') as never).isUnlimited).toBe(true)
    expect(await call({ model: 'test:unknown' })).toMatchObject({ ok: true, value: { usd: 0 } })
  })

  test.each([
    ['gpt-5-mini', 'expected provider:model'],
    ['nobody:gpt-5', 'anthropic'],
  ])('of %s is MODEL_NOT_FOUND, with the providers that there are', async (model, words) => {
    await open()
    const { error } = (await call({ model })) as { error?: { code: string; message: string } }
    expect(error).toMatchObject({ code: 'MODEL_NOT_FOUND' })
    expect(error?.message).toContain(words)
  })

  test('whose provider has no key waits for a person, and says which variable', async () => {
    await open()
    const { error } = (await call({ model: 'openai/gpt-5-mini' })) as { error?: { code: string; message: string } }
    expect(error).toMatchObject({ code: 'MODEL_KEY_MISSING' })
    expect(error?.message).toContain('OPENAI_API_KEY')
    expect(ring.models.asked).toHaveLength(0)
  })

  test('is asked under the name that the model has at its provider, with a placeholder for the key', async () => {
    await open({ env: { OPENROUTER_API_KEY: 'sk-or-0123456789' } })
    await call({ model: 'openrouter/openai/gpt-5-mini' })
    expect(ring.models.asked).toMatchObject([{ model: 'openai/gpt-5-mini', provider: { name: 'openrouter' } }])
    expect(ring.models.asked[0]?.provider.key?.placeholder).toMatch(/^vigil-secret\.openrouter\.[0-9a-f]{32}$/)
    expect(JSON.stringify(await ring.records())).not.toContain('sk-or-0123456789')
  })
})

describe('a limit on what models cost has room for one call and not for a second', () => {
  const hour = 3_600_000
  const lasting = { turn: 0, hour, day: 24 * hour, month: 31 * 24 * hour }
  const camel = (field: string): string => field.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  const worst = { model_calls: 1, tokens: requestTokens(request()) + 1_000, usd: requestTokens(request()) + 2_000 }
  const rows = limitRows.flatMap(({ field, per, kind }) =>
    kind in worst ? [{ field, per, kind: kind as keyof typeof worst }] : [],
  )

  test.each(rows)('$field', async ({ field, per, kind }) => {
    const limit = kind === 'usd' ? worst.usd / 1_000_000 : worst[kind]
    const specs = [{ name: 'worker', budget: { [camel(field)]: limit } }]
    await open({ specs, model: () => ({ text: 'hi', usage: { input: 10, output: 5 } }) })
    expect(await call({}, 'a')).toMatchObject({ ok: true })
    secondTurn()
    const refused = await call({}, 'b', per === 'turn' ? 't1' : 't2')
    expect(refused).toMatchObject({ ok: false, error: { code: 'BUDGET_EXCEEDED', details: { per, kind } } })
    expect(ring.models.asked).toHaveLength(1)
    if (per === 'turn') return
    await ring.clock.advance(lasting[per])
    expect(await call({}, 'c', 't2')).toMatchObject({ ok: true })
  })
})

test('what was spent is told by model, also of calls that are made again', async () => {
  await open({ model: () => ({ text: 'hi', usage: { input: 10, output: 5 } }) })
  await call({}, 'a')
  await call({ model: 'sim:echo' }, 'b')
  void ring.call('model.generate', request(), 'c')
  await ring.clock.advance(6)
  await ring.crash()
  await call({}, 'c')
  const reserved = requestTokens(request()) + 2_000
  const { models } = spendOf(ring.world, ring.clock.now())
  expect(models).toMatchObject([
    { model: 'test:cheap', day: { modelCalls: 2, usd: (2 * 20 + reserved) / 1_000_000 } },
    { model: 'sim:echo', day: { modelCalls: 1 } },
  ])
  expect(models[1]?.day).not.toHaveProperty('usd')
})

test('texts for vectors are paid for as their model says', async () => {
  await open()
  const made = ring.call('model.embed', { model: 'test:cheap', texts: ['one', 'two'] })
  await ring.clock.advance(60_000)
  expect((await made).outcome).toMatchObject({ ok: true, value: { vectors: [expect.any(String), expect.any(String)] } })
  const [intent] = await dataOf('effect.intended')
  expect(intent).toMatchObject({ input: { model: 'test:cheap', texts: 2 }, reserved: { model_calls: 1 } })
  expect(JSON.stringify(intent)).not.toContain('"one"')
  expect(purse()).toMatchObject({ reserved: {}, periods: { day: { spent: { model_calls: 1 } } } })
})
