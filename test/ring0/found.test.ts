import type { AgentContext } from '@vigil/agent'
import {
  crash,
  disk,
  type Fault,
  http,
  judge,
  leak,
  nth,
  ring0,
  stepClock,
  type World,
  type WorldAgent,
  world,
  zombie,
} from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

/** Bugs that seeded runs found, each as the smallest world that shows it. The seed is the one that found it. */
let w: World
afterEach(() => w.close())

async function live(agents: Record<string, WorldAgent>, faults: readonly Fault[], adopts = true): Promise<World> {
  w = world({ seed: 1, agents, faults, adopts })
  expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
  return w
}

async function end(): Promise<void> {
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
}

const idle: WorldAgent = { run: () => 'done' }
const statusOf = (name: string) => w.supervisor?.get(name).status()

test('seed 3: a power cut takes no bundle away that a deployed process needs', async () => {
  await live({ a: idle }, [ring0.cutPower().at(2_000)])
  await w.run(20_000)
  // It came back without a life; now it needs its bundle.
  await ask('a', 'wake up')
  await w.run(1_000)
  expect(statusOf('a')).toMatchObject({ state: 'running', epoch: 2 })
  await end()
})

test('seed 43: who dies between deploying a process and meaning it to run has done neither or both', async () => {
  await live({ a: idle }, [ring0.kill.after('process.deployed', nth(1))], false)
  await w.run(20_000)
  expect(w.starts).toBe(2)
  expect(statusOf('a')?.state).toBe('running')
  await end()
})

test('seed 86: a checkpoint that cannot be written makes no stop a failure', async () => {
  await live({ a: idle }, [disk.error().after('checkpoint.before_save', nth(1))])
  await end()
  expect(w.starts).toBe(1)
})

test('seed 987: two poisoned events of one process end once each', async () => {
  const never = () => new Promise<never>(() => undefined)
  await live({ a: { run: never, concurrency: 2, maxRestarts: 10 } }, [leak('a').at(5_000), leak('a').at(10_000)])
  for (const key of ['one', 'two']) await ask('a', key)
  await w.run(20_000)
  expect(statusOf('a')?.counters).toMatchObject({ accepted: 2, deadLettered: 2 })
  await end()
})

test('seed 919: a process that is started in its backoff is running when it lives', async () => {
  await live({ a: { ...idle, restartBackoff: '60s', maxRestarts: 10 } }, [crash('a').at(3_000)])
  await w.run(5_000)
  expect(statusOf('a')?.state).toBe('restarting')
  await settle(w.client.control('a', 'start'))
  await w.run(1_000)
  expect(statusOf('a')?.state).toBe('running')
  await end()
})

test('seeds 132, 309: a doubt has its place behind what the life before had seen, and keeps it', async () => {
  const seen: unknown[] = []
  const run = async (_event: unknown, ctx: AgentContext): Promise<void> => {
    const doubtful = ctx.step('pay', () => new Promise(() => undefined), { once: true }).catch(({ code }) => code)
    await Promise.race([doubtful, ctx.sleep('1s').then(() => 'slept')]).then((first) => seen.push(first))
    await ctx.publish('first', { now: ctx.now() })
    seen.push(await doubtful)
    await ctx.publish('second', { now: ctx.now() })
    await ctx.sleep('10s')
  }
  await live({ a: { run } }, [ring0.kill.at(5_000), ring0.kill.at(12_000)])
  await ask('a', 'one')
  await w.run(60_000)
  expect(seen).toEqual(['slept', 'slept', 'EFFECT_IN_DOUBT', 'slept', 'EFFECT_IN_DOUBT'])
  expect(statusOf('a')?.counters).toMatchObject({ completed: 1, deadLettered: 0 })
  await end()
})

test('what a life says after its death changes nothing', async () => {
  await live({ a: { run: (_event, ctx) => ctx.sleep('3s'), maxRestarts: 10 } }, [
    zombie('a').after('turn.started', nth(1)),
  ])
  await ask('a', 'one')
  await w.run(30_000)
  expect(statusOf('a')?.counters).toMatchObject({ accepted: 1, completed: 1 })
  await end()
})

const ask = (name: string, key: string): Promise<void> =>
  settle(w.client.postEvent(name, { key }, { idempotencyKey: key }))

/** An answer needs virtual time to come. */
async function settle(answer: Promise<unknown>): Promise<void> {
  let settled = false
  void answer.finally(() => {
    settled = true
  })
  expect(await w.until(() => settled, 30_000), 'an answer').toBe(true)
  await answer
}

test.each<[string, readonly Fault[]]>([
  ['sleeps', [stepClock(-3_600_000).at(15_000), ring0.kill.at(16_000)]],
  ['waits for its next attempt', [stepClock(-3_600_000).at(15_000)]],
])('seed 52410: a clock that is set back by an hour keeps nobody longer who %s', async (what, faults) => {
  const a: WorldAgent = {
    delivery: { retryBackoff: '30s' },
    async run(_event, ctx) {
      if (what === 'sleeps') await ctx.sleep('60s')
      else if (ctx.turn.attempt === 1) throw new Error('once more')
    },
  }
  await live({ a }, faults)
  await ask('a', 'it')
  await w.run(120_000)
  expect(statusOf('a')?.counters.completed).toBe(1)
  await end()
})

test('seed 9999: ring 0 is started as often as it takes to wait out a disk that is dead for minutes', async () => {
  const faults = [0, 1, 2, 3, 4].flatMap((minute) => {
    const at = 2_000 + minute * 70_000
    return [disk.dead().at(at), ring0.kill.at(at + 500)]
  })
  await live({ a: idle }, faults)
  await w.run(400_000)
  expect(w.starts).toBeGreaterThan(60)
  expect(statusOf('a')?.state).toBe('running')
  await end()
})

test('seed 12: a call that meets the end of a stop is told to come again, and nobody is alarmed', async () => {
  await live({ a: idle }, [])
  const codes = new Set<string | undefined>()
  const call = (): void =>
    void w.client.patchContext('a', { at: w.clock.monotonic() }).catch(({ code }: { code?: string }) => codes.add(code))
  for (let ms = 0; ms < 1_000; ms += 1) w.clock.setTimer(ms, call)
  await end()
  expect(codes).toContain('JOURNAL_CLOSED')
})

test('seeds 298, 673: a turn that waits for a person is no open work of a life that ends meanwhile', async () => {
  const a: WorldAgent = {
    network: { allow: ['out.test'] },
    async run(_event, ctx) {
      await ctx.fetch('http://out.test/get')
      await ctx.publish('told', { now: ctx.now() })
      await ctx.fetch('http://out.test/once', { method: 'POST' })
    },
  }
  const lost = http.loseAnswers().after('bus.published', nth(1))
  await live({ a }, [lost, ring0.kill.at(10_000), ring0.kill.at(25_000)])
  await ask('a', 'it')
  await w.run(90_000)
  expect(statusOf('a')?.state).toBe('awaiting')
  const settled = w.client
    .doubts()
    .then(({ doubts: [doubt] }) => w.client.resolveDoubt(doubt?.id ?? '', { outcome: 'retry' }))
  await settle(settled)
  await w.run(10_000)
  expect(statusOf('a')?.counters).toMatchObject({ completed: 1, deadLettered: 0 })
  await end()
})
