import { afterEach, describe, expect, it } from 'vitest'
import { hostGlobals, loopTurns, scriptedCore } from '../../fixtures/scripted-core.ts'
import type { AgentRun, StepOptions } from '../context.ts'

afterEach(hostGlobals())

const coded = (code: string) => Object.assign(new Error(`${code} it was`), { code })

/** A timer that fires when it is told to. */
function handTimer() {
  const armed = new Map<number, () => void>()
  return {
    armed,
    after(ms: number, act: () => void) {
      armed.set(ms, act)
      return () => void armed.delete(ms)
    },
    fire() {
      for (const act of [...armed.values()]) act()
    },
  }
}

describe('options', () => {
  it.each<[string, StepOptions]>([
    ['idempotent goes with once', { idempotent: true }],
    ['reconcile goes with once', { reconcile: () => ({ done: false }) }],
    ['give one', { once: true, idempotent: true, reconcile: () => ({ done: false }) }],
    ['cannot be tried again', { once: true, retries: 1 }],
    ['retries from 0 to 100', { retries: -1 }],
    ['retries from 0 to 100', { retries: 1.5 }],
    ['timeout above 0', { timeout: 0 }],
    ['timeout above 0', { timeout: '25d' }],
  ])('that are wrong are refused before anything runs: %s', async (said, options) => {
    const core = scriptedCore()
    const end = await core.start((_event, ctx) => ctx.step('s', () => 'ran', options)).turn()
    expect(end).toMatchObject({ error: { code: 'INVALID_ARGUMENT', message: expect.stringContaining(said) } })
    expect(core.calls).toEqual([])
  })
})

describe('what a step is given', () => {
  it('is a key that a crash and a retry do not change, and the number of the try', async () => {
    const seen: [string, number][] = []
    const run: AgentRun = (_event, ctx) =>
      ctx.step(
        's',
        ({ key, attempt }) => {
          seen.push([key, attempt])
          if (attempt === 1) throw new Error('not yet')
          return ctx.step('inner', (inner) => inner.key)
        },
        { retries: 1 },
      )
    const core = scriptedCore()
    const life = core.start(run)
    const cut = life.cutAt(1, 'lost')
    void life.turn()
    await cut
    const end = await core.start(run).turn({ crashed: true })
    const [first] = seen
    expect(first?.[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(seen).toEqual([
      [first?.[0], 1],
      [first?.[0], 2],
    ])
    expect(end).toMatchObject({ t: 'completed', unasked: [] })
  })
})

describe('retries', () => {
  const flaky = (failures: number, retries: number) => {
    const tries: number[] = []
    const run: AgentRun = async (_event, ctx) =>
      ctx.step(
        'pull',
        async ({ attempt }) => {
          tries.push(attempt)
          await ctx.publish('tried', { attempt })
          if (attempt <= failures) throw coded('FLAKY')
          return attempt
        },
        { retries },
      )
    return { tries, run }
  }

  it('waits between tries, longer each time, says each failure, and gives the first good outcome', async () => {
    const core = scriptedCore()
    const { run } = flaky(2, 3)
    expect(await core.start(run).turn()).toMatchObject({ t: 'completed', result: 3, unasked: [] })
    const waits = core.calls.flatMap(({ kind, input }) => (kind === 'sleep' ? [(input as { ms: number }).ms] : []))
    expect(waits).toEqual([
      expect.toSatisfy((ms) => ms > 1_500 && ms <= 2_000),
      expect.toSatisfy((ms) => ms > 3_000 && ms <= 4_000),
    ])
    expect(core.logs.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'step "pull" failed, try 1 of 4'],
      ['warn', 'step "pull" failed, try 2 of 4'],
    ])
  })

  it('gives up with the last error when there is no try left', async () => {
    const core = scriptedCore()
    const { run, tries } = flaky(9, 2)
    expect(await core.start(run).turn()).toMatchObject({ t: 'threw', error: { code: 'FLAKY' } })
    expect(tries).toEqual([1, 2, 3])
  })

  it('does not try again what says that it is of no use', async () => {
    const core = scriptedCore()
    let tries = 0
    const end = await core
      .start((_event, ctx) => {
        const hopeless = (): never => {
          tries += 1
          return ctx.fail('never', { retry: false })
        }
        return ctx.step('s', hopeless, { retries: 5 })
      })
      .turn()
    expect([tries, end]).toMatchObject([1, { error: { message: 'never', retry: false } }])
  })

  it('runs no more tries than it has, wherever a crash cuts it, and no failed one twice', async () => {
    const whole = scriptedCore()
    await whole.start(flaky(2, 2).run).turn()
    for (const when of ['lost', 'recorded'] as const)
      for (let k = 0; k < whole.calls.length; k += 1) {
        const core = scriptedCore()
        const { run, tries } = flaky(2, 2)
        const life = core.start(run)
        const cut = life.cutAt(k, when)
        void life.turn()
        await cut
        const end = await core.start(run).turn({ crashed: true })
        expect(end, `${when} ${k}`).toMatchObject({ t: 'completed', result: 3, unasked: [] })
        expect(core.recorded, `${when} ${k}`).toEqual(whole.recorded)
        // One was under way at the cut; a failure that is on record is not run again.
        expect(tries.length, `${when} ${k}`).toBeLessThanOrEqual(4)
      }
  })
})

describe('timeout', () => {
  it('rejects STEP_TIMEOUT, aborts the signal, and deafens what still runs', async () => {
    const timer = handTimer()
    const core = scriptedCore({ after: timer.after })
    const late = Promise.withResolvers<void>()
    let leftover: unknown
    let signal: AbortSignal | undefined
    const end = core
      .start(async (_event, ctx) => {
        const code = await ctx
          .step(
            'slow',
            async (step) => {
              signal = step.signal
              await late.promise
              leftover = await ctx.publish('after', 1).catch((error: { code: string }) => error.code)
            },
            { timeout: '5s' },
          )
          .catch((error: { code: string }) => error.code)
        await ctx.publish('behind', 1)
        late.resolve()
        await loopTurns(2)
        return code
      })
      .turn()
    await loopTurns(2)
    expect([...timer.armed.keys()]).toEqual([5_000])
    timer.fire()
    expect(await end).toMatchObject({ t: 'completed', result: 'STEP_TIMEOUT' })
    expect([signal?.aborted, (signal?.reason as { code: string } | undefined)?.code, leftover]).toEqual([
      true,
      'STEP_TIMEOUT',
      'ABORTED',
    ])
    expect(core.calls.map(({ kind }) => kind)).toEqual(['step', 'publish'])
    expect(timer.armed.size).toBe(0)
  })

  it('is of each try', async () => {
    const timer = handTimer()
    const core = scriptedCore({ after: timer.after })
    const end = core
      .start((_event, ctx) =>
        ctx.step('s', ({ attempt }) => (attempt === 1 ? new Promise(() => undefined) : attempt), {
          timeout: 7,
          retries: 1,
        }),
      )
      .turn()
    await loopTurns(2)
    timer.fire()
    expect(await end).toMatchObject({ t: 'completed', result: 2 })
  })

  it('leaves a step that may begin only once in doubt: what runs on may have done it', async () => {
    const timer = handTimer()
    const core = scriptedCore({ after: timer.after })
    const end = core
      .start((_event, ctx) => ctx.step('s', () => new Promise(() => undefined), { once: true, timeout: 7 }))
      .turn()
    await loopTurns(5)
    timer.fire()
    expect(await end).toMatchObject({ t: 'threw', error: { code: 'EFFECT_IN_DOUBT' } })
  })
})

describe('reconcile', () => {
  /** Is cut in the middle of a step that runs once, and goes on with an answer to what came of it. */
  async function goOn(reconcile: StepOptions['reconcile']) {
    const core = scriptedCore()
    const ran: string[] = []
    const run: AgentRun = (_event, ctx) =>
      ctx.step(
        'pay',
        async ({ key }) => {
          ran.push(key)
          await ctx.publish('paying', ran.length)
          return `paid ${ran.length}`
        },
        { once: true, ...(reconcile === undefined ? {} : { reconcile }) },
      )
    const life = core.start(run)
    const cut = life.cutAt(1, 'recorded')
    void life.turn()
    await cut
    return { core, ran, end: await core.start(run).turn({ crashed: true }) }
  }

  it('gives the outcome when it knows it', async () => {
    const keys: string[] = []
    const { ran, end, core } = await goOn((key) => {
      keys.push(key)
      return { done: true, value: { receipt: 7 } }
    })
    expect(end).toMatchObject({ t: 'completed', result: { receipt: 7 } })
    expect(keys).toEqual(ran)
    expect(core.recorded.at(-1)).toMatchObject({ key: 'step:pay#0', outcome: { ok: true, value: { receipt: 7 } } })
  })

  it('runs the step when it was not done', async () => {
    const { ran, end } = await goOn(() => ({ done: false }))
    expect([ran.length, end]).toMatchObject([2, { t: 'completed', result: 'paid 2' }])
  })

  it.each<[string, StepOptions['reconcile']]>([
    ['is not there', undefined],
    ['throws', () => Promise.reject(new Error('no line'))],
    ['gives nothing', (() => undefined) as never],
    ['says something else', (() => ({ done: 'maybe' })) as never],
  ])('that %s leaves it in doubt', async (_what, reconcile) => {
    const { ran, end } = await goOn(reconcile)
    expect([ran.length, end]).toMatchObject([1, { t: 'threw', error: { code: 'EFFECT_IN_DOUBT' } }])
  })

  it('is asked anew in each life: what it found out before says nothing about what was begun since', async () => {
    const core = scriptedCore({ answer: () => ({ status: 200, statusText: '', headers: {}, body: '' }) })
    let asked = 0
    const run: AgentRun = (_event, ctx) =>
      ctx.step('pay', () => ctx.publish('paying', 1).then(() => 'paid'), {
        once: true,
        async reconcile() {
          asked += 1
          await ctx.fetch('http://bank.test/payments')
          return { done: false }
        },
      })
    for (const [life, at] of [1, 2].entries()) {
      const next = core.start(run)
      const cut = next.cutAt(at, 'lost')
      void next.turn({ epoch: life + 3, crashed: life > 0 })
      await cut
    }
    expect(await core.start(run).turn({ epoch: 5, crashed: true })).toMatchObject({ result: 'paid', unasked: [] })
    expect([asked, core.calls.filter(({ kind }) => kind === 'fetch').length]).toEqual([2, 2])
  })
})
