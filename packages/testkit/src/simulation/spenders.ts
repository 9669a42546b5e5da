import { type AgentContext, type AgentEvent, defineTool, type Tool } from '@vigil/agent'
import type { SpawnSpec } from '@vigil/supervisor'
import type { WorldAgent } from '../world/lives.ts'

export const spenderNames = ['buyer', 'signer', 'looker', 'rich', 'asker'] as const
export type SpenderName = (typeof spenderNames)[number]
/** Comes from the buyer, and spends out of its purse too. */
export const twin = 'twin'

/** What the world outside was paid for, by what it was: it takes no money twice for the same thing, but for a `look` each time. */
export type Bills = Map<string, number>

/** Dollars a call; `look` is run and paid again after a crash, `book` run again for nothing, the others are in doubt. */
export const prices = { buy: 0.25, book: 0.1, look: 0.05, sign: 0.5, note: 0 } as const
type Priced = keyof typeof prices

/** All of it is sold for dollars. The fleet's purse is smaller than those of its agents together. */
export const fleetBudget = { max_hourly_cost: 12, max_daily_cost: 60, timezone: 'Europe/Berlin', reset_hour: 2 }

const common = {
  concurrency: 4,
  evictable: true,
  maxRestarts: 10_000,
  maxRestartsWithoutProgress: 10_000,
  maxConsecutiveFailures: 10_000,
  maxTurn: '30m',
  heartbeatTimeout: '5s',
} as const

/** Five agents, each with other limits, and tools that are paid by the call. */
export function spenders(bills: Bills): Record<SpenderName, WorldAgent> {
  const tools = (Object.keys(prices) as Priced[]).map((name) => toolOf(name, bills))
  const agent = (budget: NonNullable<SpawnSpec['budget']>, wares: readonly Priced[], brave: boolean): WorldAgent => ({
    ...common,
    budget,
    tools,
    run: shopper(wares, brave),
  })
  const berlin = { timezone: 'Europe/Berlin', resetHour: 2 }
  return {
    buyer: agent(
      { ...berlin, maxCostPerInvocation: 1.5, maxHourlyCost: 6, maxDailyCost: 30, maxMonthlyCost: 90 },
      ['buy', 'book', 'look', 'note'],
      true,
    ),
    signer: agent(
      {
        maxCostPerInvocation: 2,
        maxDailyCost: 12,
        maxIrreversiblePerInvocation: 2,
        maxHourlyToolCalls: 40,
        timezone: 'America/Santiago',
      },
      ['sign', 'buy'],
      false,
    ),
    looker: agent(
      {
        maxCostPerInvocation: 1,
        maxHourlyCost: 2,
        maxDailyRuns: 40,
        maxToolCallsPerInvocation: 5,
        timezone: 'Asia/Kathmandu',
      },
      ['look', 'note', 'book'],
      false,
    ),
    rich: agent('unlimited', ['buy', 'sign', 'book'], true),
    asker: agent({ maxCostPerInvocation: 0.6, maxDailyCost: 4, onExceeded: 'ask' }, ['buy', 'look', 'book'], true),
  }
}

function toolOf(name: Priced, bills: Bills): Tool<string, string> {
  const ways = {
    buy: { once: true },
    book: { once: true, idempotent: true },
    look: {},
    sign: { irreversible: true },
    note: {},
  }
  return defineTool({
    name,
    ...ways[name],
    cost: prices[name],
    async run(what: string, ctx) {
      const chance = ctx.random()
      if (chance < 0.3) await ctx.sleep(Math.floor(chance * 10_000))
      bills.set(name === 'look' ? `${what} ${bills.size}` : what, prices[name])
      if (chance > 0.9) throw new Error('sold out, and paid for')
      return what
    },
  })
}

/** One thing after the other, or several at once; what does not fit is part of the work for those who are brave. */
function shopper(wares: readonly Priced[], brave: boolean) {
  return async (event: AgentEvent, ctx: AgentContext): Promise<number> => {
    const buy = (place: number): Promise<unknown> => {
      const ware = wares[Math.floor(ctx.random() * wares.length)] ?? 'note'
      return ctx.tools.call(ware, `${ctx.process}/${event.eventId}/${place}`).catch((error: { code?: string }) => {
        const isPart = brave && (error.code === 'BUDGET_EXCEEDED' || error.code === 'EFFECT_IN_DOUBT')
        if (isPart || error.code === 'TOOL_FAILED') return error.code
        throw error
      })
    }
    const count = 1 + Math.floor(ctx.random() * 6)
    const together = ctx.random()
    if (together < 0.4) await Promise.all(Array.from({ length: count }, (_, place) => buy(place)))
    // Who loses the race is still at the till when the turn ends.
    else if (together < 0.5) await Promise.race(Array.from({ length: count }, (_, place) => buy(place)))
    else for (let place = 0; place < count; place += 1) await buy(place)
    if (ctx.random() < 0.05 && ctx.turn.attempt === 1) throw new Error('the first attempt is not good enough')
    return count
  }
}
