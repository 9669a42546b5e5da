import type { ExitCause } from '@vigil/protocol'
import {
  type ChildInput,
  type FlagsInput,
  supervisionTree,
  type TreeAction,
  type TreeRow,
} from '@vigil/supervisor/internal'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crashed, killed, normal, shutdown } from './bench.ts'

/**
 * Random trees under random exits, answers and calls, in any order that a driver could bring them: whatever happens,
 * nobody runs twice, lives begin and end in order, an incident counts once, and after the end there is silence.
 */
const strategy = fc.constantFrom('one_for_one' as const, 'one_for_all' as const, 'rest_for_one' as const)
const restart = fc.constantFrom('permanent' as const, 'transient' as const, 'temporary' as const)

interface Sketch {
  readonly strategy: NonNullable<FlagsInput['strategy']>
  readonly intensity: number
  readonly children: readonly {
    readonly restart: 'permanent' | 'transient' | 'temporary'
    readonly shutdown: number | 'kill'
    readonly baseMs: number
    readonly below?: Sketch | null | undefined
  }[]
}
const { sketch } = fc.letrec<{ sketch: Sketch }>((tie) => ({
  sketch: fc.record({
    strategy,
    intensity: fc.integer({ min: 0, max: 4 }),
    children: fc.array(
      fc.record({
        restart,
        shutdown: fc.constantFrom<number | 'kill'>(0, 50, 'kill'),
        baseMs: fc.constantFrom(0, 0, 40),
        below: fc.option(tie('sketch'), { maxDepth: 2, depthSize: 'small' }),
      }),
      { maxLength: 4 },
    ),
  }),
}))

function childrenOf({ children }: Sketch): ChildInput[] {
  return children.map(({ below, restart, shutdown, baseMs }, index) => ({
    id: `c${index}`,
    restart,
    shutdown,
    backoff: { baseMs, maxMs: 1_000, stableMs: 5_000 },
    ...(below == null
      ? { start: 'worker' }
      : { type: 'supervisor' as const, start: { flags: flagsOf(below), children: childrenOf(below) } }),
  }))
}
const flagsOf = ({ strategy, intensity }: Sketch): FlagsInput => ({ strategy, intensity, periodMs: 1_000 })

/** What the driver does next: a number chooses among what is possible. */
type Move = { readonly pick: number; readonly cause: ExitCause }
const move: fc.Arbitrary<Move> = fc.record({
  pick: fc.nat(),
  cause: fc.constantFrom(normal, shutdown, crashed, killed),
})

interface Life {
  readonly path: string
  readonly ref: number
  state: 'starting' | 'running' | 'over'
  asked: 'ask' | 'kill' | undefined
}

/** A driver that takes its time: it does what it likes first, and notes everything that may not be. */
function driver(root: Sketch) {
  const tree = supervisionTree({ flags: flagsOf(root), children: childrenOf(root) })
  const lives = new Map<number, Life>()
  const timers = new Map<number, number>()
  const broken: string[] = []
  let now = 0
  let over = false

  const living = (): Life[] => [...lives.values()].filter(({ state }) => state !== 'over')
  const perform = (action: TreeAction): void => {
    if (over && action.do !== 'reply') broken.push(`${action.do} after the end`)
    switch (action.do) {
      case 'start': {
        const path = action.path.join('/')
        if (living().some((life) => life.path === path)) broken.push(`${path} was started while it lived`)
        if (lives.has(action.ref)) broken.push(`life ${action.ref} was begun twice`)
        lives.set(action.ref, { path, ref: action.ref, state: 'starting', asked: undefined })
        break
      }
      case 'stop': {
        const life = lives.get(action.ref)
        if (life === undefined) broken.push(`stop of ${action.ref}, which nobody knows`)
        else if (life.asked !== undefined && action.how === 'ask') broken.push(`${life.path} was asked to end twice`)
        else life.asked = action.how
        break
      }
      case 'arm':
        timers.set(action.timer, now + action.ms)
        break
      case 'disarm':
        if (!timers.delete(action.timer)) broken.push(`timer ${action.timer} was disarmed and not armed`)
        break
      case 'down':
        over = true
        if (living().length > 0) broken.push(`${living().map(({ path }) => path)} outlive the end`)
        if (timers.size > 0) broken.push('timers outlive the end')
        break
      default:
    }
  }
  const feed = (input: Parameters<typeof tree.handle>[0]): void => {
    for (const action of tree.handle(input, now)) perform(action)
  }

  const end = (life: Life, cause: ExitCause): void => {
    life.state = 'over'
    feed({ type: 'exited', ref: life.ref, cause })
  }
  /** Everything that could happen now. */
  const possible = (cause: ExitCause): (() => void)[] => [
    ...living().flatMap((life) => {
      const begins = (): void => {
        life.state = 'running'
        feed({ type: 'started', ref: life.ref })
      }
      const fails = (): void => {
        life.state = 'over'
        feed({ type: 'failed', ref: life.ref, cause: crashed })
      }
      const dies = (): void => end(life, cause)
      return life.state === 'starting' ? [begins, begins, fails, dies] : [dies]
    }),
    ...[...timers].map(([timer, at]) => () => {
      timers.delete(timer)
      now = Math.max(now, at)
      feed({ type: 'elapsed', timer })
    }),
  ]
  return { tree, lives, timers, broken, feed, possible, living, end, isOver: () => over }
}

/** Lives and rows say the same. */
function agree(rows: readonly TreeRow[], living: readonly Life[]): string[] {
  const listed = new Map<string, number>()
  const list = (of: readonly TreeRow[], path: string): void => {
    for (const { id, ref, children } of of) {
      if (children !== undefined) list(children, `${path}${id}/`)
      else if (typeof ref === 'number') listed.set(`${path}${id}`, ref)
    }
  }
  list(rows, '')
  return living.filter(({ path, ref }) => listed.get(path) !== ref).map(({ path }) => `${path} lives and is not listed`)
}

test('nobody runs twice, nothing begins after the end, and the list is the truth', () => {
  fc.assert(
    fc.property(sketch, fc.array(move, { maxLength: 60 }), (root, moves) => {
      const d = driver(root)
      d.feed({ type: 'begin' })
      for (const { pick, cause } of moves) {
        const choices = d.possible(cause)
        choices[pick % Math.max(1, choices.length)]?.()
        expect(d.broken).toEqual([])
        expect(agree(d.tree.rows(), d.living())).toEqual([])
      }
      // Whatever it was in the middle of: it ends when those end that it asks to.
      d.feed({ type: 'end' })
      const before = new Set(d.lives.keys())
      for (let round = 0; round < 200 && !d.isOver(); round += 1) {
        const asked = d.living().find((life) => life.asked !== undefined)
        expect(asked, 'somebody to wait for').toBeDefined()
        if (asked !== undefined) d.end(asked, asked.asked === 'kill' ? killed : shutdown)
      }
      expect(d.isOver()).toBe(true)
      // Below, a supervisor whose turn to end has not come goes on with its own.
      const late = [...d.lives.values()].filter(({ ref, path }) => !before.has(ref) && !path.includes('/'))
      expect(late, 'lives that the root began after its end').toEqual([])
      expect(d.broken).toEqual([])
    }),
    { numRuns: Number(process.env['VIGIL_TORTURE'] === undefined ? 1_000 : 50_000) },
  )
})

test('an incident counts once, whoever goes down with it: exactly so many are borne as are allowed', () => {
  const counted = fc.record({
    strategy,
    intensity: fc.integer({ min: 0, max: 5 }),
    size: fc.integer({ min: 1, max: 5 }),
  })
  fc.assert(
    fc.property(counted, fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), ({ strategy, intensity, size }, picks) => {
      const children = Array.from({ length: size }, () => ({ restart: 'permanent' as const, shutdown: 0, baseMs: 0 }))
      const d = driver({ strategy, intensity, children })
      const settle = (): void => {
        for (let next = nextOf(d.living()); next !== undefined; next = nextOf(d.living())) next()
      }
      const nextOf = (living: Life[]): (() => void) | undefined => {
        const asked = living.find((life) => life.asked !== undefined)
        if (asked !== undefined) return () => d.end(asked, shutdown)
        const starting = living.find(({ state }) => state === 'starting')
        if (starting === undefined) return undefined
        return () => {
          starting.state = 'running'
          d.feed({ type: 'started', ref: starting.ref })
        }
      }
      d.feed({ type: 'begin' })
      settle()
      for (const [incident, pick] of picks.entries()) {
        if (d.isOver()) break
        const life = d.living()[pick % size]
        if (life !== undefined) d.end(life, crashed)
        settle()
        expect(d.isOver(), `after incident ${incident + 1} of ${intensity}`).toBe(incident + 1 > intensity)
      }
    }),
    { numRuns: 300 },
  )
})
