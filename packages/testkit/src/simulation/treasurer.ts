import type { Random } from '@vigil/protocol'
import type { World } from '../world/world.ts'
import { oneOf } from './plan.ts'
import { type Bills, type prices, spenderNames, twin } from './spenders.ts'

/** Somebody who gives and raises, sets the clock, settles doubts, cancels, and in the end lets everybody finish. */
export interface Treasurer {
  /** From now on only helps what is open to its end. */
  rest(): void
  leave(): void
}

const longestAbsenceMs = 6_000
const hourMs = 3_600_000
const names = [...spenderNames, twin]
/** Fields that each name has in its manifest, and where raises begin. */
const raises = {
  buyer: { max_hourly_cost: 6, max_daily_cost: 30, max_monthly_cost: 90 },
  twin: { max_hourly_cost: 6, max_daily_cost: 30, max_monthly_cost: 90 },
  signer: { max_daily_cost: 12, max_hourly_tool_calls: 40 },
  looker: { max_hourly_cost: 2, max_daily_runs: 40 },
} as const
const plenty = 1_000_000

export function employTreasurer(w: World, random: Random, bills: Bills): Treasurer {
  let there = true
  let resting = false
  const raised = new Map<string, number>()

  /** Never lower than what was said before: of a lowered limit more may be spent than it is. */
  const raise = async (name: keyof typeof raises): Promise<void> => {
    const [field, base] = oneOf(random, Object.entries(raises[name])) as [string, number]
    const place = `${name} ${field}`
    const to = (raised.get(place) ?? base) + 1 + Math.floor(random.next() * 4)
    raised.set(place, to)
    await w.client.changeBudget(name, { [field]: to })
  }
  const settleDoubts = async (): Promise<void> => {
    for (const { id, kind, input } of (await w.client.doubts()).doubts) {
      if (kind !== 'tool') continue
      const { name, input: what } = input as { name: keyof typeof prices; input: string }
      const isDone = bills.has(what)
      // Who is paid for twice is asked to pay twice: the same thing is only made anew if it was not made.
      const outcome = isDone ? 'done' : oneOf(random, ['not_done', 'retry'] as const)
      await w.client.resolveDoubt(id, { outcome, ...(isDone ? { result: `a person has seen ${name}` } : {}) })
    }
  }
  const answer = async (most: number): Promise<void> => {
    for (const { id } of (await w.client.requests({ kind: 'budget' })).requests)
      await w.client.decideRequest(id, { decision: random.next() < most ? 'approve' : 'deny' })
  }
  const cancel = async (): Promise<void> => {
    const name = oneOf(random, names)
    const { turns } = await w.client.turns(name, { limit: 5 })
    const open = turns.filter(({ state }) => !['completed', 'dead_lettered', 'cancelled'].includes(state))
    if (open.length > 0) await w.client.cancelTurn(name, oneOf(random, open).turn)
  }
  const setClock = (): void => {
    const pick = random.next()
    // A leap that nobody can explain holds all purses until it is confirmed.
    w.clock.stepWall(pick < 0.05 ? 30 * hourMs : pick < 0.25 ? -2 * hourMs : Math.floor(random.next() * 9 * hourMs))
  }
  const fork = async (): Promise<void> => {
    await w.client.fork('buyer', twin)
    await w.client.control(twin, 'start')
  }
  const act = async (): Promise<void> => {
    const pick = random.next()
    if (pick < 0.1) await answer(0.7)
    else if (pick < 0.2) await settleDoubts()
    else if (pick < 0.35) await raise(oneOf(random, Object.keys(raises) as (keyof typeof raises)[]))
    else if (pick < 0.5) await w.client.grantBudget(oneOf(random, names), 0.5 + Math.floor(random.next() * 3))
    else if (pick < 0.65) setClock()
    else if (pick < 0.75) await w.client.confirmClock()
    else if (pick < 0.85) await cancel()
    else await fork()
  }
  /** Waiting is over: everybody has plenty, and for the fleet one hour comes after the other. */
  const help = async (): Promise<void> => {
    w.clock.stepWall(hourMs)
    await w.client.confirmClock()
    await settleDoubts()
    await answer(1)
    for (const { name } of (await w.client.processes()).processes) {
      const fields = Object.keys(raises[name as keyof typeof raises] ?? {})
      if (fields.length > 0)
        await w.client.changeBudget(name, Object.fromEntries(fields.map((field) => [field, plenty])))
    }
  }
  const look = async (): Promise<void> => {
    try {
      await (resting ? help() : act())
    } catch {
      // Ring 0 is down, or there is no such thing yet: the next look will tell.
    }
    come()
  }
  const come = (): void => {
    if (there) w.clock.setTimer(random.next() * longestAbsenceMs, () => void look())
  }
  come()
  return {
    rest() {
      resting = true
    },
    leave() {
      there = false
    },
  }
}
