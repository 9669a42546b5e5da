import { afterEach, describe, expect, it } from 'vitest'
import { hostGlobals, scriptedCore } from '../../fixtures/scripted-core.ts'
import type { AgentContext } from '../context.ts'

afterEach(hostGlobals())

describe('state', () => {
  it('reads a snapshot plus its own writes, and sends operations as long as nothing was set', async () => {
    const end = await scriptedCore()
      .start((_event, { state }) => {
        state.add('hits', 2)
        state.add('hits', 3)
        state.append('log', 'b')
        state.set('fresh', 1)
        state.add('fresh', 1)
        state.delete('old')
        state.delete('back')
        state.append('back', 1)
        const list = state.get<unknown[]>('log', [])
        list.push('not mine')
        return [state.get('hits'), state.get('log'), state.get('fresh'), state.get('old', 'gone'), state.keys().sort()]
      })
      .turn({ state: { full: true, set: { hits: 10, log: ['a'], old: 1, back: [0] }, delete: [] } })
    expect(end).toMatchObject({
      result: [15, ['a', 'b'], 2, 'gone', ['back', 'fresh', 'hits', 'log']],
      writes: { add: { hits: 5 }, append: { log: ['b'] }, set: { fresh: 2, back: [1] }, delete: ['old'] },
    })
  })

  it('keeps what is committed between turns and takes only changes', async () => {
    const life = scriptedCore().start((_event, { state }) =>
      Object.fromEntries(state.keys().map((key) => [key, state.get(key)])),
    )
    await life.turn({ state: { full: true, set: { a: 1, b: 2 }, delete: [] } })
    expect(await life.turn({ turn: 't2', state: { full: false, set: { c: 3 }, delete: ['a'] } })).toMatchObject({
      result: { b: 2, c: 3 },
    })
    expect(await life.turn({ turn: 't3', state: { full: true, set: { d: 4 }, delete: [] } })).toMatchObject({
      result: { d: 4 },
    })
  })

  it.each([
    ['TOO_LARGE', (ctx: AgentContext) => ctx.state.set('k', 'x'.repeat(256_000))],
    ['TOO_LARGE', (ctx: AgentContext) => Array.from({ length: 3 }, () => ctx.state.append('k', 'x'.repeat(100_000)))],
    ['INVALID_ARGUMENT', (ctx: AgentContext) => ctx.state.set('k', { f: () => 1 })],
    ['INVALID_ARGUMENT', (ctx: AgentContext) => ctx.state.add('k', Number.NaN)],
  ])('throws %s at the write', async (code, write) => {
    expect(
      await scriptedCore()
        .start((_event, ctx) => void write(ctx))
        .turn(),
    ).toMatchObject({ t: 'threw', error: { code } })
  })
})
