import type { AgentContext } from '@vigil/agent'
import type { JournalRecord } from '@vigil/protocol'
import { crash, type Fault, type InlineAgent, judge, nth, ring0, testAgent, type World, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

let w: World | undefined
afterEach(() => w?.close())

const embeddings = 'sim:embed'
const texts = (result: unknown): string[] => (result as { text: string }[]).map(({ text }) => text)

interface Asked {
  readonly store?: string
  readonly key?: string
  readonly search?: string
  readonly fail?: true
}
const run: InlineAgent['run'] = async ({ payload }, ctx: AgentContext) => {
  const { store, search, key, fail } = payload as Asked
  const stored = store === undefined ? undefined : await ctx.memory.store(store, key === undefined ? {} : { key })
  if (fail === true) throw new Error('no')
  return search === undefined ? stored : await ctx.memory.search(search)
}

test('a text is found although it holds no word of the query, and stands higher when it does', async () => {
  await using t = await testAgent({ name: 'scribe', memory: { embeddings, max: 3 }, run })
  for (const store of ['Invoices are monthly', 'The invoice of May', 'zzz qqq', 'The kitchen is closed'])
    await t.fire('manual', { store })
  const { result } = await t.fire('manual', { search: 'invoice' })
  expect(texts(result).slice(0, 2)).toEqual(['The invoice of May', 'Invoices are monthly'])
  expect(JSON.stringify(result)).not.toMatch('vector')
  // Without vectors it is a search for words.
  await using plain = await testAgent({ name: 'scribe', memory: {}, run })
  await plain.fire('manual', { store: 'Invoices are monthly' })
  expect((await plain.fire('manual', { search: 'invoice' })).result).toEqual([])
})

test('vectors are calls of a model on record, made once for each text, also when its turn is tried again', async () => {
  await using t = await testAgent({ name: 'scribe', memory: { embeddings }, delivery: { maxRetries: 2 }, run })
  const { effects, attempts } = await t.fire('manual', { store: 'kept', fail: true })
  expect(attempts).toBe(3)
  expect(effects.filter(({ kind }) => kind === 'model.embed')).toMatchObject([
    { input: { model: embeddings, texts: 1 }, outcome: { ok: true } },
  ])
  const { effects: more } = await t.fire('manual', { search: 'kept' })
  expect(more).toMatchObject([
    { kind: 'model.embed', input: { texts: 1 } },
    { kind: 'memory.search', outcome: { ok: true } },
  ])
})

test.each(['kill', 'power_cut', 'crash'] as const)('a vector that was paid for is not lost to a %s', async (kind) => {
  await using t = await testAgent({ name: 'scribe', memory: { embeddings: 'test:vectors' }, run })
  await t.fault({ at: 'effect.completed', kind })
  await t.fire('manual', { store: 'kept' })
  const { effects, result } = await t.fire('manual', { search: 'other' })
  expect(texts(result)).toEqual(['kept'])
  expect(effects.filter(({ kind: each }) => each === 'model.embed')).toMatchObject([{ input: { texts: 1 } }])
})

test('a model that is not there leaves a search for words', async () => {
  await using t = await testAgent({ name: 'scribe', memory: { embeddings: 'nobody:some' }, run })
  await t.fire('manual', { store: 'words alone' })
  const turn = await t.fire('manual', { search: 'words' })
  expect(texts(turn.result)).toEqual(['words alone'])
  expect(turn.effects[0]).toMatchObject({
    kind: 'model.embed',
    outcome: { ok: false, error: { code: 'MODEL_NOT_FOUND' } },
  })
})

test('what the budget does not allow is found by its words', async () => {
  const budget = { maxModelCallsPerInvocation: 0 }
  await using t = await testAgent({ name: 'scribe', memory: { embeddings }, budget, run })
  const { result, effects } = await t.fire('manual', { store: 'words alone', search: 'words' })
  expect(texts(result)).toEqual(['words alone'])
  const refused = { outcome: { ok: false, error: { code: 'BUDGET_EXCEEDED' } } }
  expect(effects.filter(({ kind }) => kind === 'model.embed')).toMatchObject([refused, refused, refused])
})

test('what came without a vector gets one with the next search', async () => {
  const thinker: InlineAgent = {
    name: 'thinker',
    model: 'sim:echo',
    memory: { autoStore: true, embeddings },
    run: async ({ payload }, ctx: AgentContext) => (payload === 'look' ? await ctx.memory.search('answers') : 'answer'),
  }
  await using t = await testAgent(thinker)
  await t.fire('manual', 'one')
  await t.fire('manual', 'two')
  const first = await t.fire('manual', 'look')
  const asked = ({ effects }: typeof first) =>
    effects.flatMap(({ kind, input }) => (kind === 'model.embed' ? [(input as { texts: number }).texts] : []))
  expect(asked(first)).toEqual([2, 1])
  expect(texts(first.result)).toHaveLength(2)
  const second = await t.fire('manual', 'look')
  // The turn before was stored when it had ended.
  expect(asked(second)).toEqual([1, 1])
})

const fleet = Object.fromEntries(
  ['one', 'two'].map((name) => [
    name,
    {
      memory: { share: 'team', embeddings: 'test:vectors' },
      async run({ payload }: { payload: unknown }, ctx: AgentContext) {
        await ctx.memory.store(`${name} saw ${payload}`)
        await ctx.memory.store(`the newest is ${payload} of ${name}`, { key: `newest` })
        const found = await ctx.memory.search('what was seen', { max: 20 })
        await ctx.sleep(100)
        return found.length
      },
    },
  ]),
)

const ofModel = (log: readonly JournalRecord[]): string[] =>
  log.flatMap((record) =>
    record.type === 'effect.completed' && record.data.kind === 'model.embed'
      ? [`${record.process} ${record.turn} ${record.data.key} ${record.data.outcome.ok}`]
      : [],
  )

test.each<[string, Fault[]]>([
  ['without a fault', []],
  [
    'agents die while vectors are made',
    [crash('one').after('effect.intended', nth(2)), crash('two').after('memory.stored', nth(1))],
  ],
  [
    'ring 0 dies before and behind each step',
    [
      ring0.kill.after('effect.intended', nth(2)),
      ring0.kill.after('effect.acted', nth(5)),
      ring0.kill.after('memory.embedded', nth(3)),
      ring0.kill.after('effect.completed', nth(9)),
    ],
  ],
  [
    'the power fails',
    [ring0.cutPower().after('memory.embedded', nth(2)), ring0.cutPower().after('effect.intended', nth(7))],
  ],
])('%s: no vector is recorded twice, and the folds are the same', async (_what, faults) => {
  for (const seed of [1, 2, 3]) {
    w = world({ seed, agents: fleet, faults, checkpoints: { everyMs: 700, everyRecords: 20, bytesAtOnce: 1 } })
    await w.until(() => w?.settled === true, 60_000)
    for (const round of [1, 2]) {
      for (let n = 0; n < 4; n += 1)
        for (const name of Object.keys(fleet))
          void w.client.postEvent(name, n, { idempotencyKey: `${name}-${n}` }).catch(() => undefined)
      await w.run(60_000 * round)
    }
    const memory = await w.client.memory('one')
    expect(memory.total, `seed ${seed}`).toBe(9)
    await w.stop()
    const { violations, log, folds } = await judge(w)
    expect(violations, `seed ${seed}`).toEqual([])
    const answered = ofModel(log)
    expect(new Set(answered).size, `seed ${seed}`).toBe(answered.length)
    const lacking = [...(folds.get('@memory/team')?.memory.values() ?? [])].filter(({ vector }) => vector === undefined)
    expect(
      lacking.map(({ text }) => text),
      `seed ${seed}`,
    ).toEqual([])
    w.close()
  }
})
