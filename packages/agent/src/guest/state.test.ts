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

  it('does updates once more on what others have committed, and completes again with the same result', async () => {
    const core = scriptedCore()
    const life = core.start((_event, { state }) => {
      state.update<number>('n', (n = 0) => n * 2)
      state.add('n', 1)
      state.update<string[] | undefined>('gone', () => undefined)
      state.append('list', 'x')
      state.update<string[]>('list', (list = []) => list.toReversed())
      state.set('fixed', 1)
      return state.get('n')
    })
    const first = await life.turn({ state: { full: true, set: { n: 1, gone: [1], list: ['a'] }, delete: [] } })
    const updated = ['n', 'gone', 'list']
    expect(first).toMatchObject({ writes: { set: { n: 3, list: ['x', 'a'], fixed: 1 }, delete: ['gone'], updated } })
    const again = await life.say({ t: 'reapply', turn: 't1', set: { n: 10, gone: [2] }, delete: ['list'] })
    expect(again).toMatchObject({
      result: 3,
      writes: { set: { n: 21, list: ['x'], fixed: 1 }, delete: ['gone'], updated },
    })
    const third = await life.say({ t: 'reapply', turn: 't1', set: { n: 11 }, delete: [] })
    expect(third).toMatchObject({ writes: { set: { n: 23, list: ['x'] } } })
  })

  it('reads what stood there when the attempt began, and hands later turns what is committed', async () => {
    const life = scriptedCore().start((_event, { state }) => [state.get('a'), state.get('b'), state.keys().sort()])
    const state = { full: true, set: { a: 2, b: 2 }, delete: [] }
    const old = await life.turn({ state, as_of: { set: { a: 1 }, delete: ['b'] } })
    const fresh = await life.turn({ turn: 't2', state: { full: false, set: {}, delete: [] } })
    expect([old, fresh]).toMatchObject([{ result: [1, null, ['a']] }, { result: [2, 2, ['a', 'b']] }])
  })

  it.each([
    ['inside a step', 'INVALID_STATE', {}],
    ['of a key that is not writable', 'STATE_DENIED', { writable: ['other'] }],
  ])('refuses a write %s', async (where, code, message) => {
    const life = scriptedCore().start((_event, ctx) => {
      if (where !== 'inside a step') return ctx.state.delete('k')
      return ctx.step('s', async () => {
        await Promise.resolve()
        ctx.state.add('k', 1)
      })
    })
    expect(await life.turn(message)).toMatchObject({ t: 'threw', error: { code } })
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
