import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type Call, type CoreScript, hostGlobals, scriptedCore } from '../../fixtures/scripted-core.ts'
import type { AgentContext, AgentRun } from '../context.ts'

afterEach(hostGlobals())

/** A program as data: calls one after another, together, in races and inside steps. */
type Program =
  | { readonly op: 'publish' | 'sleep'; readonly wait: number }
  | { readonly op: 'all' | 'race' | 'sequence'; readonly parts: readonly Program[] }
  | { readonly op: 'step' | 'once'; readonly wait: number; readonly parts: readonly Program[] }

const wait = fc.integer({ min: 1, max: 6 })
const { part } = fc.letrec<{ part: Program }>((tie) => {
  const parts = fc.array(tie('part'), { minLength: 1, maxLength: 3 })
  return {
    part: fc.oneof(
      { maxDepth: 4, depthSize: 'xlarge', withCrossShrink: true },
      fc.record({ op: fc.constantFrom('publish' as const, 'sleep' as const), wait }),
      fc.record({ op: fc.constantFrom('all' as const, 'race' as const, 'sequence' as const), parts }),
      fc.record({ op: fc.constantFrom('step' as const, 'once' as const), wait, parts }),
    ),
  }
})

/** At least a few things at once, or replay has nothing to order. */
const program: fc.Arbitrary<Program> = fc.record({
  op: fc.constantFrom('all' as const, 'race' as const),
  parts: fc.array(part, { minLength: 3, maxLength: 4 }),
})

/** How long core takes is written in the call, so that every life has the same world. */
const script: CoreScript = {
  delay: ({ kind, key, input }: Call) => {
    if (kind === 'publish') return (input as { data: { wait: number } }).data.wait
    if (kind === 'sleep') return (input as { ms: number }).ms
    return Number(/step:(\d+)#\d+$/.exec(key)?.[1] ?? 1)
  },
}

/** Notes what the turn sees outside of steps: in which order things end, when, and its chance. */
function agentOf(whole: Program, seen: unknown[]): AgentRun {
  const perform = async (ctx: AgentContext, part: Program, note: (what: string) => void): Promise<unknown> => {
    switch (part.op) {
      case 'publish':
        // The time is in the input, and so in the key: an outcome that comes at another time makes the turn diverge.
        await ctx.publish('topic', { wait: part.wait, now: ctx.now() })
        return note('publish')
      case 'sleep':
        await ctx.sleep(part.wait)
        return note('sleep')
      case 'sequence': {
        const results: unknown[] = []
        for (const inner of part.parts) results.push(await perform(ctx, inner, note))
        return results
      }
      case 'all':
        return Promise.all(part.parts.map((inner) => perform(ctx, inner, note)))
      case 'race': {
        const runners = part.parts.map(async (inner, n) => {
          await perform(ctx, inner, note)
          return n
        })
        const winner = await Promise.race(runners)
        await ctx.publish('winner', { wait: winner + 1, now: ctx.now() })
        await Promise.all(runners)
        return winner
      }
      case 'step':
      case 'once': {
        const options = part.op === 'once' ? { once: true, idempotent: true } : {}
        const work = async () => {
          for (const inner of part.parts) await perform(ctx, inner, () => undefined)
          return ctx.random()
        }
        const result = await ctx.step(String(part.wait), work, options)
        note('step')
        return result
      }
    }
  }
  return async (_event, ctx) => {
    const result = await perform(ctx, whole, (what) => seen.push([what, ctx.now(), ctx.random()]))
    return { result, seen, now: ctx.now(), chance: ctx.uuid() }
  }
}

describe('any program', () => {
  it('answered wholly from the record ends as it did and makes no effect', async () => {
    await fc.assert(
      fc.asyncProperty(program, async (whole) => {
        const core = scriptedCore(script)
        const end = await core.start(agentOf(whole, [])).turn()
        const known = new Set(core.recorded.map(({ key }) => key))
        const made = core.calls.length
        expect(await core.start(agentOf(whole, [])).turn({ crashed: true })).toEqual(end)
        expect(core.calls.slice(made).filter(({ key }) => known.has(key))).toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  it('cut anywhere sees again what it saw, and then goes on to its end', async () => {
    await fc.assert(
      fc.asyncProperty(program, fc.nat(), async (whole, place) => {
        const clean = scriptedCore(script)
        const { t } = await clean.start(agentOf(whole, [])).turn()
        expect(t).toBe('completed')
        const core = scriptedCore(script)
        const before: unknown[] = []
        const first = core.start(agentOf(whole, before))
        const cut = first.cutAt(place % clean.recorded.length, 'recorded')
        await Promise.race([first.turn(), cut])
        const seen = [...before]
        const after: unknown[] = []
        const end = await core.start(agentOf(whole, after)).turn({ crashed: true })
        expect(end).toMatchObject({ t: 'completed', unasked: [] })
        expect(after.slice(0, seen.length)).toEqual(seen)
      }),
      { numRuns: 300 },
    )
  })
})
