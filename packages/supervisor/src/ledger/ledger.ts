import {
  type Amounts,
  type Exceeded,
  exceededBy,
  exceededInTurn,
  type Holding,
  type Kind,
  toDollars,
  type Unit,
  usedUp,
  warnings,
} from '@vigil/governance'
import { type Clock, type ProcessName, type RecordDraft, VigilError } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import { budgetOf, pursesAbove } from '../fold/purse-fold.ts'
import type { World } from '../fold/world.ts'
import type { Decider, Ruling } from '../gate/decide.ts'
import type { CallSite } from '../gate/effect.ts'
import type { AskedBudget } from '../requests/more-budget.ts'
import type { AgentBudget } from './agent-budget.ts'

/** What a process may take from: its own purse and all above it. */
function holdingsOf(world: World, process: ProcessFold): Holding[] {
  const above = pursesAbove(world, process).flatMap((name) => world.get(name) ?? [])
  return [process, ...above].map((each) => ({ owner: each.name, budget: budgetOf(each), purse: each.purse }))
}

/** Somebody limits what a process may spend in dollars, it or who stands above it: then no call may be made whose cost is not known. */
export const limitsCost = (world: World, process: ProcessFold): boolean =>
  holdingsOf(world, process).some(({ budget: { limits } }) =>
    Object.values(limits).some(({ usd }) => usd !== undefined),
  )

export interface LedgerParts {
  readonly world: World
  readonly clock: Clock
  readonly lookAtClock: () => void
  /** Asks people for more; nothing when they have said no. */
  readonly askMore: (site: CallSite, asked: AskedBudget) => Ruling | undefined
}

/** Asked last: whatever a call may cost by then has to fit everywhere, or the call is not made. */
export function ledgerDecider({ world, clock, lookAtClock, askMore }: LedgerParts): Decider {
  return ({ site, kind, reserve }) => {
    const { process } = site
    if (Object.keys(reserve).length === 0) return undefined
    // Before a leap of it would begin a new day.
    lookAtClock()
    const exceeded = exceededAt(world, site, reserve, clock.now())
    if (exceeded === undefined) return undefined
    if (policyOf(world, process, exceeded) === 'ask') {
      const ruling = askMore(site, askedBudget(kind, exceeded))
      if (ruling !== undefined) return ruling
    }
    return { verdict: 'refuse', ...refusalFor(world, site, kind, exceeded) }
  }
}

/** The limit that `asked` does not fit into, of the turn or of a purse. */
export function exceededAt(
  world: World,
  { process, turn }: Pick<CallSite, 'process' | 'turn'>,
  asked: Amounts,
  nowMs: number,
): Exceeded | undefined {
  const own = { owner: process.name, limits: budgetOf(process).limits.turn, purse: turn.purse }
  return exceededInTurn(asked, own) ?? exceededBy(asked, holdingsOf(world, process), nowMs)
}

/** The error that a call of this kind gets, and what else is put on record. */
export function refusalFor(
  world: World,
  { process, turn }: Pick<CallSite, 'process' | 'turn'>,
  kind: string,
  exceeded: Exceeded,
): { readonly error: VigilError; readonly beside: readonly RecordDraft[] } {
  const error = exceededError(kind, exceeded, policyOf(world, process, exceeded))
  return { error, beside: exceededRecords(world, process, turn.turn, exceeded) }
}

const policyOf = (world: World, process: ProcessFold, { owner }: Exceeded) =>
  budgetOf(world.get(owner) ?? process).onExceeded

const ownerText = (owner: string): string => (owner.startsWith('@') ? 'the fleet' : `"${owner}"`)

function askedBudget(what: string, { owner, per, kind, asked, limit, spent, reserved }: Exceeded): AskedBudget {
  const shown = (amount: number): number => (kind === 'usd' ? toDollars(amount) : amount)
  return {
    action: `${what} needs ${amountText(kind, asked)}, and the ${per} of ${ownerText(owner)} has no room for it`,
    details: {
      ...{ owner, per, kind, asked: shown(asked) },
      ...{ limit: shown(limit), spent: shown(spent), reserved: shown(reserved) },
    },
  }
}

function exceededError(what: string, exceeded: Exceeded, policy: AgentBudget['onExceeded']): VigilError {
  const { owner, per, kind, asked, limit, spent, reserved, untilMs, isHopeless } = exceeded
  const [needs, most, used, held] = [asked, limit, spent, reserved].map((amount) => amountText(kind, amount))
  const when = untilMs === undefined ? '' : `, until ${new Date(untilMs).toISOString()}`
  const message = `${what} needs ${needs}, and the ${per} of ${ownerText(owner)} has a limit of ${most}, of which ${used} are spent and ${held} reserved${when}`
  return new VigilError('BUDGET_EXCEEDED', message, {
    details: { owner, per, kind, asked, limit, spent, reserved, is_hopeless: isHopeless || policy === 'ask' },
  })
}

const words: Readonly<Record<Kind, string>> = {
  usd: 'dollars',
  tokens: 'tokens',
  tool_calls: 'tool calls',
  model_calls: 'model calls',
  irreversible: 'irreversible actions',
  runs: 'runs',
}
const amountText = (kind: Kind, amount: number): string =>
  kind === 'usd' ? `$${toDollars(amount)}` : `${amount} ${words[kind]}`

/** Told once: who waits already is not told again by each call of the turn that is still open. */
function exceededRecords(
  world: World,
  process: ProcessFold,
  turn: string | undefined,
  exceeded: Exceeded,
): RecordDraft[] {
  const { owner, per, kind, asked, limit, spent, reserved, untilMs, isHopeless } = exceeded
  if (process.budgetPause !== undefined) return []
  const holder = world.get(owner) ?? process
  const { onExceeded } = budgetOf(holder)
  // Who was asked has said no: nothing is waited for.
  const policy = isHopeless || onExceeded === 'ask' ? 'nothing' : onExceeded
  const until = untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() }
  const data = { owner, per, kind, asked, limit, spent, reserved, policy, ...until } as const
  return [
    {
      process: process.name as ProcessName,
      epoch: process.epoch,
      type: 'budget.exceeded',
      ...(turn === undefined ? {} : { turn }),
      data,
    },
  ]
}

/** People are to be told of limits that come near. */
export const warningRecords = (world: World, process: ProcessFold, nowMs: number): RecordDraft[] =>
  holdingsOf(world, process).flatMap((holding) =>
    warnings(holding, nowMs).map(({ owner, per, kind, limit, spent }) => ({
      process: owner as ProcessName,
      epoch: world.get(owner)?.epoch ?? 0,
      type: 'budget.warned' as const,
      data: { per, kind, limit, spent },
    })),
  )

/** Where people are asked for more it is a call that asks them, so its turn has to begin; only a run can ask nobody. */
function withoutAsking(holding: Holding): Holding {
  const { budget } = holding
  if (budget.onExceeded !== 'ask') return holding
  const runsOf = (per: Unit): Amounts => {
    const { runs } = budget.limits[per]
    return runs === undefined ? {} : { runs }
  }
  return {
    ...holding,
    budget: { ...budget, limits: { turn: {}, hour: runsOf('hour'), day: runsOf('day'), month: runsOf('month') } },
  }
}

/** Milliseconds until a turn of the process may begin, as far as money goes; Infinity while nobody knows. */
export function beginsInMs(world: World, process: ProcessFold, nowMs: number): number {
  const exceeded = usedUp(holdingsOf(world, process).map(withoutAsking), nowMs)
  if (exceeded === undefined) return 0
  return exceeded.untilMs === undefined ? Number.POSITIVE_INFINITY : exceeded.untilMs - nowMs
}

/** Events wait because nothing is left, and people want to know of that. */
export function usedUpRecords(world: World, process: ProcessFold, nowMs: number): RecordDraft[] {
  const exceeded = usedUp(holdingsOf(world, process).map(withoutAsking), nowMs)
  const tells = exceeded !== undefined && policyOf(world, process, exceeded) === 'escalate'
  return tells ? exceededRecords(world, process, undefined, exceeded) : []
}

/** What a turn that ends has begun and knows no outcome of: it may have happened, so it is paid for. */
export function chargeRecords(world: World, process: ProcessFold, id: string): RecordDraft[] {
  const amounts = process.turns.get(id)?.purse.reserved ?? {}
  if (Object.keys(amounts).length === 0) return []
  const purses = pursesAbove(world, process)
  const data = { amounts, ...(purses.length === 0 ? {} : { purses }) }
  return [{ process: process.name as ProcessName, epoch: process.epoch, type: 'budget.charged', turn: id, data }]
}
