import type { AgentContext, AgentEvent, AgentRun } from '@vigil/agent'
import { crash, type Fault, judge, nth, ring0, type World, type WorldAgent, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

let w: World
afterEach(() => w.close())

interface Question {
  readonly whom: string
  readonly content?: unknown
  readonly timeout?: string
}
const contentOf = (event: AgentEvent): unknown => (event.payload as { content: unknown }).content
const ask = (event: AgentEvent, ctx: AgentContext): Promise<unknown> => {
  const { whom, content, timeout } = event.payload as Question
  return ctx.request(whom, content, timeout === undefined ? {} : { timeout })
}

const asker: WorldAgent = {
  async run(event, ctx) {
    const answer = await ask(event, ctx).catch(({ code, details }: { code: string; details: unknown }) => ({
      code,
      details,
    }))
    ctx.state.append('heard', answer)
    return answer
  },
}
const answers = (run: AgentRun): WorldAgent => ({ run, triggers: [{ type: 'message' }] })
const doubler = answers((event) => Number(contentOf(event)) * 2)
const slow = (duration: string): WorldAgent =>
  answers(async (event, ctx) => {
    await ctx.sleep(duration)
    return contentOf(event)
  })

async function live(agents: Record<string, WorldAgent>, faults: readonly Fault[] = []): Promise<void> {
  w = world({ seed: 1, agents, faults })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
}
const post = (question: Question) => void w.client.postEvent('asker', question, { idempotencyKey: 'only' })
const heard = async () => (await w.supervisor?.get('asker').context())?.state.heard
async function end(): Promise<void> {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}

test('the result of the receiver is the reply, and what it sees says until when', async () => {
  const seen: AgentEvent[] = []
  await live({
    asker,
    doubler: answers((event) => {
      seen.push(event)
      return Number(contentOf(event)) * 2
    }),
  })
  post({ whom: 'doubler', content: 21, timeout: '30s' })
  await w.run(5_000)
  expect(await heard()).toEqual([42])
  expect(seen).toMatchObject([{ type: 'message', payload: { sender: 'asker', content: 21 } }])
  const [{ timestamp, metadata }] = seen as [AgentEvent]
  expect(Date.parse(String(metadata.reply_by)) - Date.parse(timestamp)).toBe(30_000)
  await end()
})

test('a dead letter of the receiver rejects with its error', async () => {
  const grumpy = answers((_event, ctx) => ctx.fail('never', { retry: false, code: 'GRUMPY' }))
  await live({ asker, grumpy })
  post({ whom: 'grumpy' })
  await w.run(5_000)
  expect(await heard()).toMatchObject([
    { code: 'REQUEST_FAILED', details: { process: 'grumpy', error: { code: 'GRUMPY' } } },
  ])
  await end()
})

test('a late result changes nothing', async () => {
  await live({ asker, slow: slow('2m') })
  post({ whom: 'slow', content: 'late', timeout: '1m' })
  await w.run(300_000)
  expect(await heard()).toMatchObject([{ code: 'REQUEST_TIMEOUT' }])
  expect(w.supervisor?.get('slow').status().counters).toMatchObject({ completed: 1 })
  expect(w.supervisor?.get('asker').status().counters).toMatchObject({ completed: 1 })
  await end()
})

test('the wait is no running time', async () => {
  await live({ asker: { ...asker, maxTurn: '5s' }, slow: slow('2m') })
  post({ whom: 'slow', content: 'patience', timeout: '1h' })
  await w.run(200_000)
  expect(await heard()).toEqual(['patience'])
  await end()
})

test('a request holds no credit: more may wait than ring 0 works on at a time', async () => {
  const crowd: WorldAgent = {
    async run(_event, ctx) {
      const all = Array.from({ length: 250 }, (_, index) => ctx.request<number>('echo', index, { timeout: '1h' }))
      const sum = (await Promise.all(all)).reduce((total, each) => total + each, 0)
      ctx.state.set('heard', sum)
    },
  }
  await live({ asker: crowd, echo: { ...answers((event) => contentOf(event)), mailbox: { max: 250 } } })
  post({ whom: 'echo' })
  await w.run(120_000)
  expect(await heard()).toBe((249 * 250) / 2)
  await end()
})

test.each<[string, (name: string) => void, object]>([
  ['stopped', (name) => void w.supervisor?.get(name).stop(), { code: 'REQUEST_TIMEOUT', details: { process: 'slow' } }],
  [
    'removed',
    (name) => void w.supervisor?.get(name).remove(),
    { code: 'REQUEST_FAILED', details: { process: 'slow' } },
  ],
])('a receiver that is %s while somebody waits', async (_, act, outcome) => {
  await live({ asker, slow: slow('1h') })
  post({ whom: 'slow', timeout: '2m' })
  await w.run(10_000)
  act('slow')
  await w.run(180_000)
  expect(await heard()).toMatchObject([outcome])
  await end()
})

test('nobody there, and nobody who listens, are refused at once, in a replay too', async () => {
  await live({ asker, deaf: { run: () => 'nothing' } }, [
    crash('asker').after('effect.completed', nth(1)),
    crash('asker').after('effect.completed', nth(2)),
  ])
  post({ whom: 'nobody' })
  void w.client.postEvent('asker', { whom: 'deaf' })
  await w.run(60_000)
  expect(await heard()).toMatchObject([{ code: 'PROCESS_NOT_FOUND' }, { code: 'INVALID_ARGUMENT' }])
  await end()
})

test('content that fits no schema is refused to its sender, and what fits one of them is taken', async () => {
  const schema = (type: string) => ({ type: 'object', properties: { n: { type } }, required: ['n'] })
  await live({
    asker,
    picky: {
      run: contentOf,
      triggers: [
        { type: 'message', schema: schema('number') },
        { type: 'message', schema: schema('boolean') },
      ],
    },
  })
  for (const n of [1, true, 'one'])
    void w.client.postEvent('asker', { whom: 'picky', content: { n } }, { idempotencyKey: String(n) })
  await w.run(10_000)
  expect(await heard()).toMatchObject([{ n: 1 }, { n: true }, { code: 'PAYLOAD_INVALID' }])
  expect(w.supervisor?.get('picky').status().counters).toMatchObject({ accepted: 2, completed: 2 })
  await end()
})

test('a request is answered once, whoever dies meanwhile', async () => {
  await live({ asker, slow: slow('30s'), doubler }, [
    crash('asker').after('message.sent', nth(1)),
    crash('slow').after('effect.intended', nth(1)),
    ring0.kill.at(20_000),
    crash('asker').at(40_000),
    ring0.kill.after('turn.completed', nth(1)),
    ring0.kill.after('effect.completed', nth(2)),
  ])
  post({ whom: 'slow', content: 'once', timeout: '10m' })
  await w.run(400_000)
  expect(await heard()).toEqual(['once'])
  expect(w.supervisor?.get('slow').status().counters).toMatchObject({ accepted: 1, completed: 1 })
  await end()
})

test('a timeout that passes while ring 0 is dead is there when it is back', async () => {
  await live({ asker, slow: slow('1h') }, [ring0.kill.at(30_000), ring0.kill.at(40_000)])
  post({ whom: 'slow', timeout: '35s' })
  await w.run(120_000)
  expect(await heard()).toMatchObject([{ code: 'REQUEST_TIMEOUT' }])
  await end()
})

test('who is over waits no more', async () => {
  const impatient: WorldAgent = {
    ...asker,
    run: (event, ctx) => {
      void ask(event, ctx)
      throw new Error('something else went wrong')
    },
    delivery: { maxRetries: 0 },
  }
  await live({ asker: impatient, slow: slow('1h') })
  post({ whom: 'slow', timeout: '7d' })
  await w.run(60_000)
  expect(w.supervisor?.get('asker').status().counters).toMatchObject({ deadLettered: 1 })
  await end()
})
