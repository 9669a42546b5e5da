import { afterEach, describe, expect, it } from 'vitest'
import { hostGlobals, loopTurns, scriptedCore, type TurnEnd } from '../../fixtures/scripted-core.ts'
import type { AgentRun } from '../context.ts'

afterEach(hostGlobals())

const runOnce = (run: AgentRun, script = {}) => scriptedCore(script).start(run).turn()

const caught = (work: Promise<unknown>) =>
  work.then(
    () => 'no error',
    (error: { code?: string }) => error.code,
  )

describe('a turn', () => {
  it('gets the event with the names of the code, and its own facts', async () => {
    const end = await runOnce((event, ctx) => [event.eventId, event.payload, ctx.process, ctx.turn, ctx.env])
    expect(end).toMatchObject({ result: ['e1', { n: 1 }, 'tester', { id: 't1', attempt: 1, epoch: 3 }, { TZ: 'UTC' }] })
  })

  it('draws chance of its own in each step, in the form of a UUID', async () => {
    const end = await runOnce(async (_event, ctx) => [
      await ctx.step('a', ctx.uuid),
      ctx.uuid(),
      await ctx.step('b', ctx.uuid),
      ctx.uuid(),
    ])
    const drawn = (end as Extract<TurnEnd, { t: 'completed' }>).result as string[]
    expect(new Set(drawn).size).toBe(4)
    for (const uuid of drawn)
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('reports what was thrown, with code and retry', async () => {
    const end = await runOnce((_event, ctx) => ctx.fail('enough', { code: 'MINE', retry: false }))
    expect(end).toMatchObject({ t: 'threw', error: { name: 'Error', message: 'enough', code: 'MINE', retry: false } })
  })

  it.each([
    ['a function', () => () => 1, 'function'],
    ['a function inside', () => ({ deep: [{ call: () => 1 }] }), 'function at "call"'],
    ['a bigint', () => ({ n: 1n }), 'bigint at "n"'],
    ['a cycle', () => cyclic(), 'circular'],
  ])('refuses %s as a result, and says where', async (_what, result, message) => {
    const end = await runOnce(result)
    expect(end).toMatchObject({ t: 'threw', error: { code: 'INVALID_ARGUMENT' } })
    expect((end as Extract<TurnEnd, { t: 'threw' }>).error.message).toContain(message)
  })

  it('keeps its last unanswered calls from ending the thread', async () => {
    const core = scriptedCore({ delay: () => 5 })
    const life = core.start((_event, ctx) => void ctx.publish('left', 1))
    expect(await life.turn()).toMatchObject({ t: 'completed', result: null })
    await loopTurns(10)
  })

  it('has at most 256 calls open and loses none', async () => {
    let open = 0
    let most = 0
    const core = scriptedCore({
      delay: () => {
        open += 1
        most = Math.max(most, open)
        return 2
      },
      answer: () => {
        open -= 1
        return null
      },
    })
    await core
      .start((_event, ctx) => Promise.all(Array.from({ length: 600 }, (_, n) => ctx.publish('n', n))).then(() => null))
      .turn()
    expect([most, core.calls.length]).toEqual([256, 600])
  })
})

const cyclic = (): object => {
  const self: Record<string, unknown> = {}
  self['self'] = self
  return self
}

describe('the record', () => {
  it('serves the attempt after a throw, which may go another way', async () => {
    const core = scriptedCore()
    let attempts = 0
    const life = core.start(async (_event, ctx) => {
      attempts += 1
      const made = await ctx.step('make', () => attempts)
      if (attempts === 1) await ctx.publish('first', 1)
      if (attempts === 1) throw new Error('once more')
      ctx.log.info('second')
      return made
    })
    expect(await life.turn()).toMatchObject({ t: 'threw' })
    expect(await life.turn({ attempt: 2, crashed: false })).toMatchObject({
      t: 'completed',
      result: 1,
      unasked: [core.recorded[1]?.key],
    })
    expect(core.logs).toMatchObject([{ message: 'second', turn: 't1' }])
  })

  it('asks leave for a step that may run once, and rejects when it is in doubt', async () => {
    const core = scriptedCore()
    let ran = 0
    const once: AgentRun = (_event, ctx) => ctx.step('pay', () => (ran += 1), { once: true })
    expect(await core.start(once).turn()).toMatchObject({ result: 1 })
    expect(core.calls.map(({ key, input }) => [key, input])).toEqual([
      ['step:pay#0', { intend: true }],
      ['step:pay#0', { outcome: 1 }],
    ])
    const error = { code: 'EFFECT_IN_DOUBT', message: 'its outcome is unknown' }
    const outcome = { ok: false as const, error }
    const doubt = { key: 'step:pay#0', kind: 'step', at: '2026-01-02T03:04:06.000Z', outcome }
    const end = await core.start(once).turn({ recorded: [doubt], crashed: true })
    expect(end).toMatchObject({ t: 'threw', error: { code: 'EFFECT_IN_DOUBT' }, unasked: [] })
    expect(ran).toBe(1)
  })

  it('ends a turn that asks for another kind, even when the agent catches it', async () => {
    const recorded = [
      { key: 'step:a#0', kind: 'publish', at: '2026-01-02T03:04:06.000Z', outcome: { ok: true as const, value: null } },
    ]
    const end = await scriptedCore()
      .start((_event, ctx) => caught(ctx.step('a', () => 1)))
      .turn({ recorded, crashed: true })
    expect(end).toMatchObject({ t: 'threw', error: { code: 'TURN_DIVERGED' } })
  })
})

describe('cancel', () => {
  it('aborts the signal, rejects what is open and deafens what still runs, without touching the next attempt', async () => {
    const core = scriptedCore({ delay: () => undefined })
    const told: unknown[] = []
    let attempt = 0
    let zombie: Promise<unknown> | undefined
    const life = core.start(async (_event, ctx) => {
      attempt += 1
      if (attempt === 2) return 'fresh'
      ctx.signal.addEventListener('abort', () => told.push('signal'))
      zombie = caught(ctx.publish('never', 1)).then(async (code) => [
        code,
        await caught(ctx.publish('late', 1)),
        ctx.log.info('late'),
      ])
      await zombie
      return 'stale'
    })
    void life.turn()
    await loopTurns(1)
    life.cancel()
    const end = await life.turn({ attempt: 2, crashed: false, recorded: [] })
    expect([await zombie, told]).toEqual([['ABORTED', 'ABORTED', undefined], ['signal']])
    await loopTurns(3)
    expect(end).toMatchObject({ t: 'completed', result: 'fresh' })
    expect(life.messages.map(({ t }) => t)).toEqual(['ready', 'call', 'cancelled', 'completed'])
  })
})

describe('the thread', () => {
  it('has fetch and console that belong to the turn that runs', async () => {
    const body = Buffer.from('hello').toString('base64')
    const core = scriptedCore({
      answer: ({ input }) =>
        (input as { url: string }).url.endsWith('/a')
          ? { status: 302, statusText: 'Found', headers: { location: '/b' }, body: '' }
          : { status: 200, statusText: 'OK', headers: { 'x-a': '1' }, body },
    })
    const life = core.start(async () => {
      const response = await fetch('http://a.test/a', { method: 'POST', body: new URLSearchParams({ q: '1' }) })
      console.warn('got %s', response.url)
      return [response.status, response.redirected, response.headers.get('x-a'), await response.text()]
    })
    expect(await life.turn()).toMatchObject({ result: [200, true, '1', 'hello'] })
    expect(core.calls.map(({ input }) => input)).toMatchObject([
      { method: 'POST', url: 'http://a.test/a', body: Buffer.from('q=1').toString('base64') },
      { method: 'GET', url: 'http://a.test/b' },
    ])
    expect(core.logs).toMatchObject([{ turn: 't1', level: 'warn', message: 'got http://a.test/b' }])
    expect(await caught(fetch('http://a.test/'))).toBe('INVALID_STATE')
    console.error('outside')
    expect(core.logs[1]).toEqual({ t: 'log', level: 'error', message: 'outside' })
  })

  it('gives up waiting when the caller aborts, and draws no form boundary', async () => {
    const end = await runOnce(
      async (_event, ctx) => {
        const caller = new AbortController()
        const open = caught(
          ctx
            .fetch('http://a.test/', { signal: caller.signal })
            .catch((error: Error) => Promise.reject({ code: error.name })),
        )
        caller.abort()
        return [await open, await caught(ctx.fetch('http://a.test/', { method: 'POST', body: new FormData() }))]
      },
      { delay: () => undefined },
    )
    expect(end).toMatchObject({ result: ['AbortError', 'INVALID_ARGUMENT'] })
  })

  it('closes its port when asked: at once when no turn is open, and an open one hears nothing of it', async () => {
    const core = scriptedCore({ delay: () => undefined })
    const heard: string[] = []
    const life = core.start(async (_event, ctx) => {
      await ctx.publish('held', 1).finally(() => heard.push('finally'))
    })
    void life.turn()
    await loopTurns(1)
    expect(life.closed).toBe(false)
    life.ask()
    await loopTurns(3)
    expect([life.closed, heard]).toEqual([true, []])
  })
})
