import { afterEach, describe, expect, it } from 'vitest'
import { type CoreScript, hostGlobals, loopTurns, scriptedCore } from '../../fixtures/scripted-core.ts'
import type { AgentRun } from '../context.ts'

afterEach(hostGlobals())

const reply = (text: string) => ({
  status: 200,
  statusText: 'OK',
  headers: {},
  body: Buffer.from(text).toString('base64'),
})

const script: CoreScript = {
  answer: (call) => {
    if (call.kind === 'fetch') return reply((call.input as { url: string }).url)
    if (call.kind === 'file.read') return { body: Buffer.from('read').toString('base64') }
    return null
  },
  delay: (call) => (call.kind === 'fetch' && (call.input as { url: string }).url.includes('slow') ? 8 : 1),
}

/** Everything that order, chance and time can change goes into the result. */
const mixed: AgentRun = async (_event, ctx) => {
  const seen: unknown[] = [ctx.now(), ctx.random(), ctx.uuid()]
  const text = async (path: string): Promise<string> => {
    const body = await (await ctx.fetch(`http://a.test/${path}`)).text()
    seen.push(path, ctx.now())
    return body
  }
  await Promise.all([text('slow-1'), text('fast-1')])
  const late = [text('slow-2'), text('slow-3')]
  const winner = await Promise.race([...late, ctx.step('local', () => ({ winner: 'local', at: ctx.now() }))])
  // What was under way at a cut may come in another order after it; here all of it has come before the code goes on.
  await Promise.all(late)
  const outer = await ctx.step('outer', async () => {
    const inner = await ctx.fetch('http://a.test/inner', { method: 'POST', body: 'x' })
    await ctx.publish('inner', { chance: ctx.random() })
    const deep = await ctx.step('deep', () => ctx.uuid())
    return { inner: await inner.text(), deep }
  })
  seen.push(ctx.now(), ctx.random(), ctx.uuid())
  await Promise.all([0, 1, 2, 3].map((n) => ctx.publish('numbers', { n: n % 2 })))
  await ctx.send('other', { seen: seen.length }, { topic: 'report' })
  await ctx.files.write('out/a.txt', await ctx.files.read('in/a.txt'))
  await ctx.sleep('2s')
  await ctx.step('sure', () => ctx.now(), { once: true, idempotent: true })
  await ctx
    .step('broken', () => Promise.reject(Object.assign(new TypeError('no'), { code: 'MINE' })))
    .catch((error: Error & { code?: string }) => seen.push(error.name, error.message, error.code))
  ctx.state.add('turns', 1)
  ctx.state.set('last', ctx.uuid())
  return { seen, winner, outer, now: ctx.now() }
}

const whole = async () => {
  const core = scriptedCore(script)
  const end = await core.start(mixed).turn()
  return { end, effects: core.recorded, calls: core.calls.length }
}

describe('a crash at any call', () => {
  it('has a program that ends well when nothing happens', async () => {
    const { end, calls } = await whole()
    expect(end).toMatchObject({ t: 'completed', unasked: [], writes: { add: { turns: 1 } } })
    expect(calls).toBeGreaterThan(18)
  })

  it.each(['lost', 'recorded'] as const)('changes neither result nor effects, with the call %s', async (when) => {
    const { end, effects, calls } = await whole()
    for (let k = 0; k < calls; k += 1) {
      const core = scriptedCore(script)
      const first = core.start(mixed)
      const cut = first.cutAt(k, when)
      void first.turn()
      await cut
      const again = await core.start(mixed).turn({ crashed: true })
      expect(again, `cut at call ${k}`).toEqual(end)
      expect(core.recorded, `cut at call ${k}`).toEqual(effects)
    }
  })

  it('changes nothing either when every life is cut at its third new call', async () => {
    const { end, effects } = await whole()
    const core = scriptedCore(script)
    let last: unknown
    for (let lives = 0; lives < 40 && last === undefined; lives += 1) {
      const life = core.start(mixed)
      const cut = life.cutAt(2, 'recorded')
      last = await Promise.race([life.turn({ crashed: true }), cut.then(() => undefined)])
    }
    expect(last).toEqual(end)
    expect(core.recorded).toEqual(effects)
  })

  it('says nothing twice: the log is silent while the record lasts', async () => {
    const talking: AgentRun = async (_event, ctx) => {
      ctx.log.info('one')
      await ctx.publish('a', 1)
      console.log('two', { n: 2 })
      await ctx.publish('b', 2)
      ctx.log.info('three')
    }
    const core = scriptedCore()
    const life = core.start(talking)
    const cut = life.cutAt(1, 'lost')
    void life.turn()
    await cut
    await core.start(talking).turn({ crashed: true })
    expect(core.logs.map(({ message }) => message.split(' ')[0])).toEqual(['one', 'two', 'two', 'three'])
  })

  it('does not wait for ever for an outcome that the code no longer asks for', async () => {
    const core = scriptedCore(script)
    await core.start(async (_event, ctx) => [await ctx.publish('gone', 1), await ctx.publish('kept', 2)]).turn()
    const end = await core.start(async (_event, ctx) => ctx.publish('kept', 2)).turn({ crashed: true })
    expect(end).toMatchObject({ t: 'completed', unasked: [core.recorded[0]?.key] })
    await loopTurns(1)
  })
})
