import { afterEach, describe, expect, it } from 'vitest'
import { hostGlobals, scriptedCore } from '../../fixtures/scripted-core.ts'
import type { AgentContext, AgentRun } from '../context.ts'

afterEach(hostGlobals())

/** The whole of one code is on record, then another code goes on: what it made anew, and what it left out. */
async function goOn(before: AgentRun, after: AgentRun) {
  const core = scriptedCore({ delay: (call) => (call.key.includes('slow') ? 5 : 1) })
  const first = await core.start(before).turn()
  const known = core.calls.length
  const end = await core.start(after).turn({ crashed: true })
  return { end, result: first.t === 'completed' ? first.result : first.error, made: core.calls.slice(known) }
}

const steps =
  (...names: string[]): AgentRun =>
  async (_event, ctx) => {
    const seen: unknown[] = []
    for (const name of names) seen.push(await ctx.step(name, () => `${name} of ${names.length}`))
    return seen
  }

const inParallel =
  (order: (names: string[]) => string[]): AgentRun =>
  async (_event, ctx) => {
    const names = order(['slow', 'a', 'b', 'a'])
    const seen = await Promise.all(names.map((name) => ctx.publish(name, null).then(() => `${name} ${ctx.now()}`)))
    return seen.toSorted()
  }

const looped: AgentRun = async (_event, ctx) => {
  const seen: number[] = []
  for (let n = 0; n < 5; n += 1) seen.push(await ctx.step('round', () => n * ctx.random()))
  return seen
}

const nested =
  (inside: (ctx: AgentContext) => unknown): AgentRun =>
  (_event, ctx) =>
    ctx.step('outer', async () => {
      await ctx.step('inner', () => ctx.step('innermost', () => 1))
      await inside(ctx)
      return ctx.step('inner', () => 2)
    })

describe('the same code asks for everything and makes nothing anew', () => {
  it.each<[string, AgentRun, AgentRun]>([
    ['Promise.all', inParallel((names) => names), inParallel((names) => names)],
    ['Promise.all in another order', inParallel((names) => names), inParallel((names) => names.toReversed())],
    ['a loop of equal names', looped, looped],
    ['nested steps', nested(() => null), nested(() => null)],
  ])('%s', async (_what, before, after) => {
    const { end, result, made } = await goOn(before, after)
    expect(end).toMatchObject({ t: 'completed', result, unasked: [] })
    expect(made).toEqual([])
  })
})

describe('code that leaves out what is on record says so', () => {
  it.each<[string, AgentRun, AgentRun, string[]]>([
    ['a removed step', steps('a', 'b', 'c'), steps('a', 'c'), ['step:b#0']],
    ['a renamed step', steps('a', 'b'), steps('z', 'b'), ['step:a#0']],
    ['a shorter loop', steps('a', 'a', 'a'), steps('a'), ['step:a#1', 'step:a#2']],
    [
      'an input that changed',
      (_event, ctx) => ctx.publish('t', 1),
      (_event, ctx) => ctx.publish('t', 2),
      [expect.stringMatching(/^publish:t:[0-9a-f]{16}#0$/)],
    ],
    ['another kind under the name', steps('a'), (_event, ctx) => ctx.sleep(1), ['step:a#0']],
  ])('%s', async (_what, before, after, unasked) => {
    expect((await goOn(before, after)).end).toMatchObject({ t: 'completed', unasked })
  })

  it('a reordered step is the same step: the record answers by name', async () => {
    const { end, made } = await goOn(steps('a', 'b', 'c'), steps('c', 'a', 'b'))
    expect(end).toMatchObject({ t: 'completed', result: ['c of 3', 'a of 3', 'b of 3'], unasked: [] })
    expect(made).toEqual([])
  })

  it('what stands inside an answered step is not missed', async () => {
    const { end } = await goOn(
      nested((ctx) => ctx.publish('t', 1)),
      nested(() => null),
    )
    expect(end).toMatchObject({ t: 'completed', unasked: [] })
  })
})
