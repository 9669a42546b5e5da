import type { AgentContext, AgentEvent } from '@vigil/agent'
import { judge, type World, type WorldAgent, world } from '@vigil/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mailboxModel } from './mailbox-model.ts'

/**
 * Mailbox, lanes and turns against a model of a hundred lines: commands in any order, in the seeded world, and every record of
 * the process has to be one that the model allows.
 */
type Command =
  | { readonly do: 'send'; readonly lane: string | null; readonly fails: number; readonly ms: number }
  | { readonly do: 'suspend' | 'resume' }
  | { readonly do: 'cancel' | 'crash' | 'kill' | 'redeliver' }
  | { readonly do: 'wait'; readonly ms: number }

const send = fc.record({
  do: fc.constant('send' as const),
  lane: fc.constantFrom(null, null, 'x', 'y'),
  fails: fc.constantFrom(0, 0, 0, 1, 2, 5),
  ms: fc.constantFrom(0, 0, 50, 3_000),
})
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: send },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 8_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('suspend' as const, 'resume' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('cancel' as const, 'redeliver' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('crash' as const, 'kill' as const) }) },
)

interface Sent {
  readonly name: string
  readonly lane: string | null
  readonly fails: number
  readonly ms: number
}

interface Fleet {
  readonly concurrency: number
  readonly batch: number
  readonly hasKeys: boolean
}

const maxRetries = 2
const fleets: fc.Arbitrary<Fleet> = fc.record({
  concurrency: fc.integer({ min: 1, max: 3 }),
  batch: fc.constantFrom(1, 1, 3),
  hasKeys: fc.boolean(),
})

/** Fails as often as it is told, then gives back what it was asked: a batch fails with the worst of its events. */
async function run({ payload }: AgentEvent, ctx: AgentContext): Promise<string[]> {
  const { events, data } = payload as { events?: { payload: { data: Sent } }[]; data: Sent }
  const all = events?.map((each) => each.payload.data) ?? [data]
  await ctx.step('count', () => all.length)
  await ctx.sleep(Math.max(...all.map(({ ms }) => ms)))
  if (ctx.turn.attempt <= Math.max(...all.map(({ fails }) => fails))) throw new Error('again')
  ctx.state.add('handled', all.length)
  return all.map(({ name }) => name)
}

function agentOf({ concurrency, batch, hasKeys }: Fleet): WorldAgent {
  const keys = hasKeys ? { concurrencyKey: 'payload.data.lane' } : {}
  const batches = batch > 1 ? { batch: { max: batch, within: '2s' } } : {}
  return {
    concurrency,
    run,
    triggers: [{ type: 'event', eventType: 'work', ...keys, ...batches }],
    delivery: { maxRetries, retryBackoff: '1s' },
    maxRestarts: 1_000,
    maxRestartsWithoutProgress: 1_000,
    maxConsecutiveFailures: 1_000,
  }
}

async function told<T>(w: World, work: () => Promise<T>): Promise<T | undefined> {
  for (let tries = 0; tries < 20; tries += 1) {
    let answer: { value: T } | { error: { code?: string } } | undefined
    work().then(
      (value) => {
        answer = { value }
      },
      (error: { code?: string }) => {
        answer = { error }
      },
    )
    await w.until(() => answer !== undefined, 60_000)
    if (answer !== undefined && 'value' in answer) return answer.value
    if (answer !== undefined && answer.error.code !== 'UNREACHABLE') return undefined
    await w.run(2_000)
  }
  throw new Error('ring 0 did not come back')
}

async function perform(w: World, one: Command, sent: Sent[]): Promise<void> {
  switch (one.do) {
    case 'send': {
      const letter = { name: `n${sent.length}`, lane: one.lane, fails: one.fails, ms: one.ms }
      sent.push(letter)
      w.supervisor?.publish('work', letter).catch(() => undefined)
      return w.run(1)
    }
    case 'wait':
      return w.run(one.ms)
    case 'suspend':
    case 'resume':
      return void (await told(w, () => w.client.control('a', one.do)))
    case 'crash':
      return w.cells.crash('a')
    case 'kill':
      return w.kill()
    case 'cancel': {
      const turns = await told(w, () => w.client.turns('a'))
      const turn = turns?.turns.find(({ state }) => state === 'waiting' || state === 'running')
      if (turn !== undefined) await told(w, () => w.client.cancelTurn('a', turn.turn))
      return
    }
    case 'redeliver':
      return void (await told(w, () => w.client.redeliver('a')))
  }
}

/** One run: the commands, then peace until nothing is left to do; every record goes through the model. */
async function holds(seed: number, fleet: Fleet, commands: readonly Command[]): Promise<void> {
  const w = world({ seed, agents: { a: agentOf(fleet) }, adopts: false })
  try {
    expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
    const sent: Sent[] = []
    for (const one of commands) await perform(w, one, sent)
    const idle = () => {
      const status = w.settled ? w.supervisor?.get('a').status() : undefined
      return status?.state === 'running' && status.mailbox.waiting + status.mailbox.open === 0
    }
    await w.until(() => w.settled, 60_000)
    await told(w, () => w.client.control('a', 'start'))
    expect(await w.until(idle, 600_000), 'all work to come to an end').toBe(true)
    await w.stop()
    const { violations, log, folds } = await judge(w)
    expect(violations).toEqual([])
    const laneOf = (data: unknown) => (fleet.hasKeys ? ((data as Sent).lane ?? undefined) : undefined)
    const model = mailboxModel({ ...fleet, name: 'a', maxRetries, laneOf })
    for (const record of log) model.read(record)
    const fold = folds.get('a')
    const ends = [...model.ended().values()]
    expect([model.waiting(), model.open()]).toEqual([[], []])
    expect({
      completed: fold?.completed,
      deadLettered: fold?.deadLettered,
      cancelled: fold?.cancelled,
      handled: fold?.state.get('handled') ?? 0,
    }).toEqual({
      completed: ends.filter((end) => end === 'completed').length,
      deadLettered: ends.filter((end) => end === 'dead_lettered').length,
      cancelled: ends.filter((end) => end === 'cancelled').length,
      handled: fold?.completed,
    })
  } finally {
    w.close()
  }
}

const runs = process.env.VIGIL_TORTURE === undefined ? 60 : 2_000

test(`fault 25: mailbox, lanes and turns do what the model allows (${runs} runs)`, {
  timeout: runs * 2_000,
}, async () => {
  const all = fc.tuple(fc.nat(1_000_000), fleets, fc.array(command, { minLength: 5, maxLength: 40 }))
  await fc.assert(
    fc.asyncProperty(all, ([seed, fleet, commands]) => holds(seed, fleet, commands)),
    { numRuns: runs, endOnFailure: false },
  )
})
