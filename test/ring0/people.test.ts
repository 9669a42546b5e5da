import type { AgentContext, AgentEvent } from '@vigil/agent'
import { crash, type Fault, judge, nth, ring0, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

let w: World
afterEach(() => w.close())

async function live(agents: Record<string, WorldAgent>, faults: readonly Fault[] = []): Promise<void> {
  w = world({ seed: 1, agents, faults, adopts: false })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
}
async function end(): Promise<void> {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}
const post = (key: string, name = 'payer') => void w.client.postEvent(name, { key }, { idempotencyKey: key })
const status = (name = 'payer') => w.supervisor?.get(name).status()
const heard = async () => (await w.supervisor?.get('payer').context())?.state.heard
const requests = async () => (await w.supervisor?.requests()) ?? []
const recordsOf = (type: string) => w.told.flat().filter((record) => record.type === type)
const said = async (promise: Promise<unknown> | undefined) => {
  let result: unknown
  void promise?.then(
    () => (result = 'done'),
    (error: unknown) => (result = error),
  )
  await w.run(1_000)
  return result
}
const decide = async (word: Parameters<NonNullable<World['supervisor']>['decide']>[1], nth = 0) => {
  const open = await requests()
  return await said(w.supervisor?.decide(open[nth]?.id ?? '', word, 'ada'))
}

const asks = (ask: (ctx: AgentContext, event: AgentEvent) => Promise<unknown>): WorldAgent => ({
  async run(event, ctx) {
    const answer = await ask(ctx, event).catch(({ code, message }: { code: string; message: string }) => ({
      code,
      message,
    }))
    ctx.state.append('heard', answer)
    return answer
  },
})
const payer = asks((ctx) => ctx.approve({ action: 'pay', details: { amount: 5 }, timeout: '4h' }))
const asker = asks((ctx) => ctx.askHuman({ question: 'Which colour?', options: ['red', 'blue'] }))

test('an approval waits without a thread, says what it is about, and goes on with the decision', async () => {
  await live({ payer })
  post('a')
  await w.run(10_000)
  const [open] = await requests()
  expect(open).toMatchObject({
    process: 'payer',
    kind: 'approval',
    asked: { action: 'pay', details: { amount: 5 } },
    onTimeout: 'deny',
  })
  expect(Date.parse(open?.deadline ?? '') - Date.parse(open?.at ?? '')).toBe(4 * 3_600_000)
  expect(status()).toMatchObject({ state: 'awaiting', residency: 'hibernated' })
  expect(w.cells.living).toEqual([])
  expect(await decide({ decision: 'approve', reason: 'it is due', edits: { amount: 4 } })).toBe('done')
  await w.run(5_000)
  expect(await heard()).toEqual([{ approved: true, by: 'ada', reason: 'it is due', edits: { amount: 4 } }])
  expect(await requests()).toEqual([])
  expect(status()).toMatchObject({ state: 'running', counters: { completed: 1 } })
  await end()
})

test('a start of ring 0 wakes nobody who waits for people, and no life is begun for it', async () => {
  const deaths = Array.from({ length: 100 }, (_, n) => ring0.kill.at(20_000 + n * 15_000))
  await live({ payer }, deaths)
  post('a')
  await w.run(1_600_000)
  expect(w.starts).toBe(101)
  expect(w.cells.living).toEqual([])
  const seqs = (type: string) => new Set(recordsOf(type).map(({ seq }) => seq)).size
  expect([seqs('request.opened'), seqs('incarnation.started'), seqs('turn.started')]).toEqual([1, 1, 1])
  expect(await decide({ decision: 'approve', edits: { amount: 4 } })).toBe('done')
  await w.run(5_000)
  expect(await heard()).toEqual([{ approved: true, by: 'ada', edits: { amount: 4 } }])
  expect([seqs('incarnation.started'), seqs('turn.started'), seqs('turn.completed')]).toEqual([2, 2, 1])
  await end()
})

test('who decides within a moment finds the guest still there', async () => {
  await live({ payer })
  post('a')
  await w.run(1_000)
  expect(await decide({ decision: 'deny', reason: 'no' })).toBe('done')
  expect(await heard()).toEqual([{ approved: false, by: 'ada', reason: 'no' }])
  expect(recordsOf('turn.suspended')).toEqual([])
  await end()
})

test('the first word counts, and the second is told it', async () => {
  await live({ payer })
  post('a')
  await w.run(10_000)
  const [open] = await requests()
  const words = Promise.allSettled([
    w.supervisor?.decide(open?.id ?? '', { decision: 'deny' }, 'ada'),
    w.supervisor?.decide(open?.id ?? '', { decision: 'approve' }, 'bob'),
  ])
  await w.run(1_000)
  const second = { code: 'ALREADY_DECIDED', details: { process: 'payer', end: 'denied', by: 'ada' } }
  expect(await words).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: second }])
  await w.run(60_000)
  expect(await said(w.supervisor?.decide(open?.id ?? '', { decision: 'approve' }))).toMatchObject(second)
  expect(await said(w.supervisor?.decide('nothing', { decision: 'approve' }))).toMatchObject({
    code: 'REQUEST_NOT_FOUND',
  })
  expect(await heard()).toEqual([{ approved: false, by: 'ada' }])
  await end()
})

test('an answer is one of the options, and fits the schema', async () => {
  const schema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] }
  await live({ payer: asker, counter: asks((ctx) => ctx.askHuman({ question: 'How many?', schema })) })
  post('a')
  await w.run(10_000)
  expect(await decide({ answer: 'green' })).toMatchObject({ code: 'ANSWER_INVALID' })
  expect(await decide({ decision: 'approve' })).toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(await decide({ answer: 'blue' })).toBe('done')
  await w.run(5_000)
  expect(await heard()).toEqual(['blue'])
  post('b', 'counter')
  await w.run(10_000)
  const wrong = await decide({ answer: { n: 'many' } })
  expect(wrong).toMatchObject({ code: 'ANSWER_INVALID', message: expect.stringContaining('answer.n') })
  expect(await decide({ answer: { n: 3 } })).toBe('done')
  await end()
})

test.each<[string, (ctx: AgentContext) => Promise<unknown>, object | string]>([
  ['denied', (ctx) => ctx.approve({ action: 'pay', timeout: '1m' }), { approved: false, by: 'policy' }],
  [
    'approved',
    (ctx) => ctx.approve({ action: 'pay', timeout: '1m', onTimeout: 'approve' }),
    { approved: true, by: 'policy' },
  ],
  ['answered by its default', (ctx) => ctx.askHuman({ question: '?', timeout: '1m', default: 'none' }), 'none'],
  ['rejected', (ctx) => ctx.askHuman({ question: '?', timeout: '1m' }), { code: 'REQUEST_EXPIRED' }],
])('what nobody decides in time is %s, whoever is dead then', async (_, ask, outcome) => {
  await live({ payer: asks(ask) }, [ring0.kill.at(50_000), ring0.kill.at(64_000)])
  post('a')
  await w.run(30_000)
  const [open] = await requests()
  await w.run(120_000)
  expect(await heard()).toEqual([typeof outcome === 'string' ? outcome : expect.objectContaining(outcome)])
  expect(recordsOf('request.expired')).toHaveLength(1)
  expect(await said(w.supervisor?.decide(open?.id ?? '', { decision: 'approve' }))).toMatchObject({
    code: 'REQUEST_CLOSED',
    details: { end: 'expired' },
  })
  await end()
})

test('escalate tells it once more and waits as long again, then it is denied', async () => {
  await live({ payer: asks((ctx) => ctx.approve({ action: 'pay', timeout: '1m', onTimeout: 'escalate' })) }, [
    ring0.kill.at(90_000),
  ])
  post('a')
  await w.run(80_000)
  expect(recordsOf('request.expired')).toHaveLength(1)
  expect(await requests()).toMatchObject([{ onTimeout: 'deny' }])
  await w.run(80_000)
  expect(await heard()).toMatchObject([{ approved: false, by: 'policy' }])
  await end()
})

test('a cancelled turn takes its request with it', async () => {
  await live({ payer })
  post('a')
  await w.run(10_000)
  const [open] = await requests()
  void w.supervisor?.get('payer').cancel(open?.turn ?? '')
  await w.run(2_000)
  expect(await requests()).toEqual([])
  expect(await said(w.supervisor?.decide(open?.id ?? '', { decision: 'approve' }))).toMatchObject({
    code: 'REQUEST_CLOSED',
    details: { end: 'withdrawn' },
  })
  await end()
})

test('a lane is given back to others while a person is waited for, if there are several', async () => {
  const keen: WorldAgent = {
    concurrency: 2,
    run: async (event, ctx) => {
      if ((event.payload as { key: string }).key.startsWith('ask')) await ctx.approve({ action: 'go' })
      else await ctx.sleep('5s')
    },
  }
  await live({ payer: keen, serial: { ...keen, concurrency: 1 } })
  for (const name of ['payer', 'serial']) for (const key of ['ask-1', 'ask-2', 'ask-3', 'plain']) post(key, name)
  await w.run(60_000)
  expect(status()).toMatchObject({ counters: { completed: 1 }, mailbox: { open: 3, waiting: 0 } })
  expect(status('serial')).toMatchObject({ state: 'awaiting', counters: { completed: 0 }, mailbox: { waiting: 3 } })
  await end()
})

test('beside a timer of its own a turn waits for whichever comes first', async () => {
  const ask = (ctx: AgentContext) =>
    Promise.race([ctx.approve({ action: 'go' }), ctx.sleep('1m').then(() => 'too late')])
  await live({ payer: asks(ask) }, [ring0.kill.at(20_000)])
  post('a')
  await w.run(15_000)
  expect(status()?.residency).toBe('hibernated')
  await w.run(90_000)
  expect(await heard()).toEqual(['too late'])
  await end()
})

test('asked once and answered once, whoever dies before, between and behind', async () => {
  await live({ payer }, [
    crash('payer').after('request.opened', nth(1)),
    ring0.kill.after('request.opened', nth(1)),
    ring0.cutPower().after('turn.suspended', nth(1)),
    ring0.kill.at(30_000),
    ring0.kill.at(40_000),
    ring0.cutPower().after('request.decided', nth(1)),
    crash('payer').after('turn.started', nth(4)),
  ])
  post('a')
  await w.run(60_000)
  expect(await requests()).toHaveLength(1)
  await decide({ decision: 'approve' })
  await w.run(60_000)
  expect(await heard()).toEqual([{ approved: true, by: 'ada' }])
  expect(new Set(recordsOf('request.opened').map(({ seq }) => seq)).size).toBe(1)
  await end()
})

test('only approvers decide, and the manifest says how long it may take', async () => {
  const ask = (ctx: AgentContext) => ctx.approve({ action: 'pay' })
  const approval = { timeout: '2m', onTimeout: 'approve', approvers: ['bob', 'eve'] } as const
  await live({ payer: { ...asks(ask), approval } })
  post('a')
  await w.run(10_000)
  expect(await requests()).toMatchObject([{ onTimeout: 'approve', approvers: ['bob', 'eve'] }])
  expect(await decide({ decision: 'approve' })).toMatchObject({
    code: 'ROLE_DENIED',
    message: 'expected bob or eve to decide for "payer", found "ada"',
  })
  await w.run(60_000)
  expect(await heard()).toBeUndefined()
  const why = status()?.mailbox.behind[0]?.why
  expect(why).toMatch(/^waits for approval [0-9a-f]{12} since 2026\S+, until 2026\S+$/)
  await w.run(60_000)
  expect(await heard()).toMatchObject([{ approved: true, by: 'policy' }])
  await end()
})

test('what cannot be asked is refused', async () => {
  const ask = (ctx: AgentContext) => ctx.askHuman({ question: '?', options: ['a'], default: 'b' })
  await live({ payer: asks(ask), big: asks((ctx) => ctx.approve({ action: 'x', details: 'x'.repeat(70_000) })) })
  post('a')
  post('b', 'big')
  await w.run(5_000)
  expect(await heard()).toMatchObject([{ code: 'INVALID_ARGUMENT' }])
  expect((await w.supervisor?.get('big').context())?.state.heard).toMatchObject([{ code: 'TOO_LARGE' }])
  await end()
})
