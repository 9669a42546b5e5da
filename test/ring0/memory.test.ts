import type { AgentContext } from '@vigil/agent'
import { limits } from '@vigil/protocol'
import { crash, type Fault, type InlineAgent, judge, nth, ring0, testAgent, type World, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

let w: World | undefined
afterEach(() => w?.close())

interface Asked {
  readonly store?: string
  readonly search?: string
  readonly forget?: string | { readonly key: string }
  readonly options?: object
}

/** Stores what it is given, says what it finds, and forgets what it is told to. */
const notes: InlineAgent['run'] = async ({ payload }, ctx: AgentContext) => {
  const { store, search = '', forget, options } = payload as Asked
  if (store !== undefined) return await ctx.memory.store(store, options)
  if (forget !== undefined) return await ctx.memory.forget(forget)
  return await ctx.memory.search(search, options)
}
const texts = (result: unknown): string[] => (result as { text: string }[]).map(({ text }) => text)

test('finds what was stored by its words, the best first, until it is forgotten', async () => {
  await using t = await testAgent({ name: 'scribe', memory: { max: 2 }, run: notes })
  const store = async (text: string, options: object = {}) =>
    ((await t.fire('manual', { store: text, options })).result as { id: string }).id
  const search = async (query: string, options: object = {}) =>
    (await t.fire('manual', { search: query, options })).result
  const first = await store('The café in Zürich opens at nine', { tags: ['hours'] })
  await store('The bakery opens at six; the CAFE beside it, the other cafe, too')
  await store('Nothing about it')
  expect(texts(await search('cafe'))).toEqual([expect.stringMatching('bakery'), expect.stringMatching('Zürich')])
  expect(await search('zurich opens', { max: 1 })).toEqual([
    {
      id: first,
      text: expect.stringMatching('Zürich'),
      tags: ['hours'],
      score: expect.any(Number),
      at: expect.any(String),
      by: 'scribe',
    },
  ])
  expect(texts(await search('opens', { tags: ['hours'] }))).toHaveLength(1)
  expect(await search('cafe', { minScore: 100 })).toEqual([])
  expect(texts(await search(''))).toEqual(['Nothing about it', expect.stringMatching('bakery')])
  expect(await search('pizza')).toEqual([])
  expect((await t.fire('manual', { forget: first })).result).toBe(true)
  expect((await t.fire('manual', { forget: first })).result).toBe(false)
  expect(texts(await search('cafe'))).toHaveLength(1)
  const turn = await t.fire('manual', { store: 'again', options: { tags: ['a', 'a'] } })
  expect(turn.effects).toMatchObject([{ kind: 'memory.store', input: { text: 'again', tags: ['a'] } }])
})

test('one key names one entry, and the newest stands under it', async () => {
  await using t = await testAgent({ name: 'scribe', memory: {}, run: notes })
  const options = { key: 'address' }
  const { result: before } = await t.fire('manual', { store: 'Main street 1', options })
  expect((await t.fire('manual', { store: 'Side street 2', options })).result).toEqual(before)
  expect((await t.fire('manual', { search: 'street' })).result).toMatchObject([
    { text: 'Side street 2', key: 'address' },
  ])
  expect((await t.fire('manual', { forget: options })).result).toBe(true)
  expect((await t.fire('manual', { search: 'street' })).result).toEqual([])
})

test('what was stored stays although its turn fails, and is stored once in all its attempts', async () => {
  await using t = await testAgent({
    name: 'scribe',
    memory: {},
    delivery: { maxRetries: 2 },
    async run({ payload }, ctx: AgentContext) {
      if (payload !== null) return await ctx.memory.search('kept')
      await ctx.memory.store('kept')
      throw new Error('no')
    },
  })
  expect(await t.fire('manual', null)).toMatchObject({ status: 'dead_lettered', attempts: 3 })
  expect(texts((await t.fire('manual', 'look')).result)).toEqual(['kept'])
})

test('secrets of the agent are taken out of what is stored', async () => {
  const secret = 'sk-live-0123456789abcdef'
  await using t = await testAgent(
    {
      name: 'scribe',
      memory: {},
      secrets: { api: '${API}' },
      async run({ payload }, ctx: AgentContext) {
        if (payload === 'look') return await ctx.memory.search('key')
        return await ctx.memory.store(`the key is ${['sk-live', '0123456789abcdef'].join('-')}`, {
          tags: ['sk-live-0123456789abcdef'],
        })
      },
    },
    { env: { API: secret } },
  )
  await t.fire('manual')
  const { result } = await t.fire('manual', 'look')
  expect(result).toMatchObject([{ text: 'the key is [secret api]', tags: ['[secret api]'] }])
})

test('what a thinking turn comes to is stored when it completes, once, whatever falls over', async () => {
  const run: InlineAgent['run'] = async ({ payload }, ctx: AgentContext) =>
    payload === 'look' ? texts(await ctx.memory.search('forty')) : `forty-two for ${payload}`
  await using t = await testAgent({ name: 'thinker', model: 'sim:echo', memory: { autoStore: true }, run })
  await t.fault({ at: 'turn.completed', kind: 'kill' })
  await t.fire('manual', 'everything')
  expect((await t.fire('manual', 'look')).result).toEqual(['manual "everything"\nforty-two for everything'])
})

test.each<[string, unknown, string]>([
  ['a text that is too long', { store: 'x'.repeat(limits.memoryTextBytes + 1) }, 'TOO_LARGE'],
  ['no text', { store: '' }, 'INVALID_ARGUMENT'],
  ['too many tags', { store: 'x', options: { tags: Array(limits.memoryTags + 1).fill('t') } }, 'INVALID_ARGUMENT'],
  ['an id that is none', { forget: 'x' }, 'INVALID_ARGUMENT'],
])('refuses %s', async (_what, payload, code) => {
  await using t = await testAgent({ name: 'scribe', memory: {}, delivery: { maxRetries: 0 }, run: notes })
  expect(await t.fire('manual', payload)).toMatchObject({ status: 'dead_lettered', error: { code } })
})

test.each([{ store: 'x' }, { search: 'x' }, { forget: { key: 'x' } }])(
  'a manifest without memory refuses %o',
  async (payload) => {
    for (const memory of [undefined, { enabled: false }]) {
      await using t = await testAgent({
        name: 'scribe',
        ...(memory === undefined ? {} : { memory }),
        delivery: { maxRetries: 0 },
        run: notes,
      })
      const error = { code: 'MEMORY_DISABLED', message: expect.stringMatching('memory: { enabled: true }') }
      expect(await t.fire('manual', payload)).toMatchObject({ status: 'dead_lettered', error })
    }
  },
)

const large = (word: string): string => `${word} `.repeat(1_000)

/** Two that share a memory and one of its own, each with something to do in every turn. */
const fleet = Object.fromEntries(
  ['one', 'two', 'three'].map((name) => [
    name,
    {
      memory: name === 'three' ? {} : { share: 'team' },
      async run({ payload }: { payload: unknown }, ctx: AgentContext) {
        const n = payload as number
        const { id } = await ctx.memory.store(n % 3 === 0 ? large(`long${n}`) : `${name} saw ${n}`, { tags: ['seen'] })
        await ctx.memory.store(`the newest is ${n} of ${name}`, { key: `newest-${n % 2}` })
        const found = await ctx.memory.search('saw newest long0', { max: 20 })
        await ctx.sleep(100)
        if (n % 4 === 1) await ctx.memory.forget(id)
        return found.length
      },
    },
  ]),
)

test.each<[string, Fault[]]>([
  ['without a fault', []],
  [
    'an agent dies when it has stored',
    [crash('one').after('memory.stored', nth(3)), crash('two').after('effect.acted', nth(1))],
  ],
  [
    'ring 0 dies when it has stored, forgotten, searched',
    [
      ring0.kill.after('memory.stored', nth(4)),
      ring0.kill.after('memory.forgotten', nth(2)),
      ring0.kill.after('effect.completed', nth(9)),
    ],
  ],
  [
    'the power fails',
    [ring0.cutPower().after('memory.stored', nth(5)), ring0.cutPower().after('memory.forgotten', nth(1))],
  ],
])('%s: every life finds the same, and nothing is stored twice', async (_what, faults) => {
  for (const seed of [1, 2, 3]) {
    w = world({
      seed,
      agents: fleet,
      faults,
      checkpoints: { everyMs: 700, everyRecords: 20, bytesAtOnce: 1 },
    })
    await w.until(() => w?.settled === true, 60_000)
    const { client } = w
    for (let n = 0; n < 6; n += 1)
      for (const name of Object.keys(fleet))
        void client.postEvent(name, n, { idempotencyKey: `${name}-${n}` }).catch(() => undefined)
    await w.run(60_000)
    for (let n = 0; n < 6; n += 1)
      for (const name of Object.keys(fleet))
        void client.postEvent(name, n, { idempotencyKey: `${name}-${n}` }).catch(() => undefined)
    await w.run(120_000)
    const [one, two, three] = await Promise.all(Object.keys(fleet).map((name) => client.memory(name, { limit: 1_000 })))
    expect(one?.entries, `seed ${seed}`).toEqual(two?.entries)
    // Of twelve and of six two were forgotten in each agent; what stands under the two keys is shared.
    expect([one?.total, three?.total], `seed ${seed}`).toEqual([10, 6])
    expect(three?.entries.every(({ by }) => by === 'three')).toBe(true)
    await w.stop()
    expect((await judge(w)).violations, `seed ${seed}`).toEqual([])
    w.close()
  }
})

test('people see it, page by page, and make it forget; a shared one outlives who stored in it', async () => {
  w = world({ seed: 1, agents: fleet, faults: [] })
  await w.until(() => w?.settled === true, 60_000)
  const { client } = w
  const ran = async <T>(call: Promise<T>): Promise<T> => {
    call.catch(() => undefined)
    await w?.run(1_000)
    return await call
  }
  for (const n of [0, 2]) for (const name of Object.keys(fleet)) void client.postEvent(name, n)
  await w.run(10_000)
  const first = await ran(client.memory('one', { limit: 2 }))
  expect(first).toMatchObject({ enabled: true, share: 'team', total: 5, next: expect.any(String) })
  const rest = await ran(client.memory('one', { limit: 100, cursor: first.next ?? '' }))
  expect(rest.next).toBe(null)
  const all = [...first.entries, ...rest.entries]
  expect([all.length, new Set(all.map(({ id }) => id)).size]).toEqual([5, 5])
  expect(all.map(({ at }) => at)).toEqual(
    all
      .map(({ at }) => at)
      .sort()
      .reverse(),
  )
  const found = await ran(client.memory('one', { q: 'saw' }))
  expect(found.entries.map(({ text }) => text).sort()).toEqual(['one saw 2', 'two saw 2'])
  const { id = '' } = found.entries.find(({ by }) => by === 'two') ?? {}
  await ran(client.forgetMemory('one', id))
  await expect(ran(client.forgetMemory('one', id))).rejects.toMatchObject({ code: 'MEMORY_NOT_FOUND' })
  await expect(ran(client.memory('one', { cursor: 'x' }))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  void w.supervisor?.get('two').remove()
  await w.run(5_000)
  w.kill()
  await w.until(() => w?.settled === true, 60_000)
  const left = await ran(client.memory('one'))
  const ofTwo = left.entries.filter(({ by }) => by === 'two').map(({ text }) => text.split(' ')[0])
  expect(ofTwo.sort()).toEqual(['long0', 'the'])
  await w.stop()
  // What a removed process had in large bodies is gone, and was told before.
  const { violations } = await judge(w)
  expect(violations.filter((each) => !/was told of/.test(each))).toEqual([])
})
