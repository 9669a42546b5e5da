import { limits } from '@vigil/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { hostGlobals, scriptedCore } from '../../fixtures/scripted-core.ts'
import type { AgentRun } from '../context.ts'

afterEach(hostGlobals())

const runOnce = (run: AgentRun) => scriptedCore().start(run).turn()

/** A string whose JSON has so many bytes. */
const jsonOf = (bytes: number): string => 'x'.repeat(bytes - 2)

describe('the size of what leaves a guest', () => {
  it('takes a result and a state value up to the limits of the protocol, to the byte', async () => {
    expect(await runOnce(() => jsonOf(limits.resultBytes))).toMatchObject({ t: 'completed' })
    expect(await runOnce(() => jsonOf(limits.resultBytes + 1))).toMatchObject({ error: { code: 'TOO_LARGE' } })
    const store = (bytes: number) => runOnce((_event, ctx) => ctx.state.set('k', jsonOf(bytes)))
    expect(await store(limits.stateValueBytes)).toMatchObject({ t: 'completed' })
    expect(await store(limits.stateValueBytes + 1)).toMatchObject({ error: { code: 'TOO_LARGE' } })
  })

  it.each<[string, AgentRun]>([
    ['a file', (_event, { files }) => files.write('out/a', new Uint8Array(limits.bodyBytes + 1))],
    [
      'a fetch body',
      (_event, ctx) =>
        ctx.fetch('http://a.test/', { method: 'POST', body: new Uint8Array(limits.bodyBytes + 1) }).then(() => null),
    ],
    ['the result of a step', (_event, ctx) => ctx.step('s', () => jsonOf(limits.messageBytes))],
    ['what is published', (_event, ctx) => ctx.publish('t', jsonOf(limits.messageBytes))],
  ])('refuses %s that no message can carry, and the turn can go on', async (_what, run) => {
    const core = scriptedCore()
    const end = await core
      .start(async (event, ctx) => {
        const code = await Promise.resolve(run(event, ctx)).catch((error: { code: string }) => error.code)
        await ctx.publish('after', 1)
        return code
      })
      .turn()
    expect(end).toMatchObject({ t: 'completed', result: 'TOO_LARGE' })
    expect(core.calls.map(({ kind }) => kind)).toEqual(['publish'])
  })

  it('ends the turn when it has no more effects to make: no other attempt would have', async () => {
    const answer = (): never => {
      throw Object.assign(new Error('enough'), { code: 'TOO_MANY_EFFECTS' })
    }
    const end = await scriptedCore({ answer })
      .start((_event, ctx) => ctx.publish('t', 1))
      .turn()
    expect(end).toMatchObject({ t: 'threw', error: { code: 'TOO_MANY_EFFECTS', retry: false } })
  })

  it('ends a turn that wrote more than one message carries', async () => {
    const core = scriptedCore()
    const life = core.start((_event, { state }) => {
      for (let n = 0; n < 100; n += 1) state.set(`k${n}`, jsonOf(limits.stateValueBytes))
    })
    expect(await life.turn()).toMatchObject({ t: 'threw', error: { code: 'TOO_LARGE', retry: false } })
  })

  it('sends of a thrown error what people can read', async () => {
    const end = await runOnce(() => {
      throw Object.assign(new Error('m'.repeat(1_000_000)), { code: 'MINE', details: 'd'.repeat(1_000_000) })
    })
    expect(end).toMatchObject({ t: 'threw', error: { code: 'MINE' } })
    expect(JSON.stringify(end).length).toBeLessThan(20_000)
  })
})

describe('what JSON would lose', () => {
  it.each<[string, unknown]>([
    ['Map', { deep: new Map([[1, 2]]) }],
    ['Set', { deep: new Set([1]) }],
    ['Promise', { deep: Promise.resolve(1) }],
    ['Error', { deep: new RangeError('x') }],
    ['Uint8Array', { deep: new Uint8Array(2) }],
  ])('is refused with its place: a %s', async (kind, value) => {
    const end = await runOnce(() => value)
    expect(end).toMatchObject({ t: 'threw', error: { code: 'INVALID_ARGUMENT' } })
    expect(JSON.stringify(end)).toContain(`found a ${kind} at \\"deep\\"`)
  })

  it('is shown in log fields, which never fail a turn', async () => {
    const core = scriptedCore()
    const cycle: Record<string, unknown> = { a: 1 }
    cycle['self'] = cycle
    await core
      .start((_event, { log }) => {
        log.error('direct', Object.assign(new TypeError('inner'), { code: 'MINE' }))
        log.info('deep', { error: new Error('deep', { cause: 'why' }), map: new Map([['k', 1]]), big: 1n })
        log.info('cycle', cycle)
        log.info('long', 'x'.repeat(2 * limits.logLineBytes))
        console.log('y'.repeat(2 * limits.logLineBytes))
        console.dir({ shown: 1 })
      })
      .turn()
    expect(core.logs).toMatchObject([
      { fields: { name: 'TypeError', message: 'inner', code: 'MINE' } },
      { fields: { error: { message: 'deep', cause: 'why' }, map: [['k', 1]], big: '1' } },
      { fields: expect.stringContaining('Circular') },
      {},
      {},
      { turn: 't1', level: 'info', message: '{ shown: 1 }' },
    ])
    for (const line of core.logs) expect(JSON.stringify(line).length).toBeLessThan(limits.logLineBytes + 200)
  })
})
