import {
  type Amounts,
  at,
  confirm,
  grant,
  hold,
  minus,
  type Purse,
  plus,
  refund,
  reserve,
  settle,
  warned,
} from '@vigil/governance'
import type { BudgetPatch, JournalRecord, RecordType } from '@vigil/protocol'
import { type AgentBudget, defaultAgentBudget, withPatch } from '../ledger/agent-budget.ts'
import { chargeModels, spendOnModel } from './model-spend-fold.ts'
import { type ProcessFold, rowBeside, type TurnFold } from './process-fold.ts'

type Of<T extends RecordType> = Extract<JournalRecord, { type: T }>
type World = Map<string, ProcessFold>

/** The purse of all together stands in the world by this name: it is above every process, and has nothing else. */
export const fleetPurse = '@fleet'

/** A step of the clock that no summer time and no correction explains. */
const leapMs = 25 * 3_600_000

export const budgetOf = ({ manifest, budgetPatch }: Pick<ProcessFold, 'manifest' | 'budgetPatch'>): AgentBudget =>
  withPatch(manifest.budget ?? defaultAgentBudget, budgetPatch)

/** Whose purses are above that of a process, the nearest first. */
export function pursesAbove(world: World, process: ProcessFold): string[] {
  const names: string[] = []
  let parent = process.parent
  while (parent !== undefined && parent !== process.name && !names.includes(parent)) {
    const next: ProcessFold | undefined = world.get(parent)
    if (next === undefined) break
    names.push(parent)
    parent = next.parent
  }
  return world.has(fleetPurse) ? [...names, fleetPurse] : names
}

/** All purses that a record names, as they are at its time. What it says has to be all that is needed: others may be restored from later rows. */
function eachPurse(world: World, record: JournalRecord, change: (purse: Purse, budget: AgentBudget) => Purse): void {
  const { purses = [] } = record.data as { readonly purses?: readonly string[] | undefined }
  for (const name of [record.process, ...purses]) {
    const process = world.get(name)
    if (process === undefined) continue
    const budget = budgetOf(process)
    process.purse = change(at(process.purse, Date.parse(record.at), budget), budget)
  }
}

const nowOf = (process: ProcessFold, { at: time }: JournalRecord) => ({
  atMs: Date.parse(time),
  budget: budgetOf(process),
})

function onModel(world: World, record: JournalRecord, paid: { readonly key: string; readonly spent: Amounts }): void {
  const process = world.get(record.process)
  if (process !== undefined)
    spendOnModel(process, { ...paid, turn: turnOf(world, record), now: nowOf(process, record) })
}

const turnOf = (world: World, { process, turn }: JournalRecord): TurnFold | undefined =>
  world.get(process)?.turns.get(turn ?? '')

export function foldReserved(world: World, record: Of<'effect.intended'>): void {
  const { reserved } = record.data
  if (reserved === undefined) return
  eachPurse(world, record, (purse) => reserve(purse, reserved))
  const turn = turnOf(world, record)
  if (turn !== undefined) turn.purse = { ...turn.purse, reserved: plus(turn.purse.reserved, reserved) }
}

/** What was reserved stays so, for the run that comes. */
export function foldRepeated(world: World, record: Of<'effect.repeated'>): void {
  const { reserved } = record.data
  eachPurse(world, record, (purse) => settle(purse, {}, reserved))
  const turn = turnOf(world, record)
  onModel(world, record, { key: record.data.key, spent: reserved })
  if (turn !== undefined) turn.purse = { ...turn.purse, spent: plus(turn.purse.spent, reserved) }
}

export function foldSpent(world: World, record: Of<'effect.completed'>): void {
  const { spent = {}, released = spent } = record.data
  if (record.data.spent === undefined && record.data.released === undefined) return
  eachPurse(world, record, (purse) => settle(purse, released, spent))
  const turn = turnOf(world, record)
  onModel(world, record, { key: record.data.key, spent })
  if (turn !== undefined)
    turn.purse = {
      ...turn.purse,
      spent: plus(turn.purse.spent, spent),
      reserved: minus(turn.purse.reserved, released),
    }
}

export function foldCharged(world: World, record: Of<'budget.charged'>): void {
  const { amounts } = record.data
  eachPurse(world, record, (purse) => settle(purse, amounts, amounts))
  const turn = turnOf(world, record)
  const process = world.get(record.process)
  if (process !== undefined) chargeModels(process, turn, nowOf(process, record))
  if (turn !== undefined)
    turn.purse = {
      ...turn.purse,
      spent: plus(turn.purse.spent, amounts),
      reserved: minus(turn.purse.reserved, amounts),
    }
}

/** A person says that what was in doubt did not happen, or is to be made anew: it is not paid for twice. */
export function foldRefunded(world: World, record: Of<'doubt.resolved'>): void {
  const { refunded, charged_at: chargedAt = record.at } = record.data
  if (refunded === undefined) return
  const atMs = Date.parse(chargedAt)
  eachPurse(world, record, (purse, budget) => refund(purse, refunded, { atMs, budget }))
  const turn = turnOf(world, record)
  if (turn !== undefined) turn.purse = { ...turn.purse, spent: minus(turn.purse.spent, refunded) }
}

/** Told before the turn is there: only its first attempt is a run. */
export function foldRun(world: World, record: Of<'turn.started'>): void {
  if (record.data.attempt === 1 && turnOf(world, record) === undefined)
    eachPurse(world, record, (purse) => settle(purse, {}, { runs: 1 }))
}

export function foldBudgetChanged(world: World, record: Of<'budget.changed'>): void {
  const { set, budget } = record.data
  let process = world.get(record.process)
  if (process === undefined && record.process === fleetPurse) {
    process = rowBeside(fleetPurse)
    world.set(fleetPurse, process)
  }
  if (process === undefined) return
  if (budget !== undefined) process.manifest = { ...process.manifest, budget: budget as unknown as AgentBudget }
  const patch = { ...process.budgetPatch, ...(set as BudgetPatch | undefined) }
  process.budgetPatch = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== null))
  process.budgetRevision += 1
  process.budgetPause = undefined
}

export function foldGranted(process: ProcessFold, { at: time, turn: id = '', data }: Of<'budget.granted'>): void {
  const amounts: Amounts = data.amounts ?? { usd: data.usd ?? 0 }
  const turn = process.turns.get(id)
  if (data.for_turn === true) {
    if (turn !== undefined) turn.purse = { ...turn.purse, granted: plus(turn.purse.granted ?? {}, amounts) }
    return
  }
  process.purse = grant(at(process.purse, Date.parse(time), budgetOf(process)), amounts)
  process.budgetPause = undefined
}

export function foldWarned(process: ProcessFold, { data }: Of<'budget.warned'>): void {
  if (data.per !== 'turn') process.purse = warned(process.purse, data.per)
}

export function foldExceeded(process: ProcessFold, { at: time, data }: Of<'budget.exceeded'>): void {
  const { owner, per, kind, until } = data
  if (data.policy !== 'pause' && data.policy !== 'escalate') return
  const told = data.policy === 'escalate' ? { told: 'not_yet' as const } : {}
  process.budgetPause = { at: time, owner, per, kind, until, ...told }
}

export function foldLeap(world: World, { data }: Of<'clock.stepped'>): void {
  if (data.by_ms > leapMs) for (const process of world.values()) process.purse = hold(process.purse)
}

export function foldConfirmed(world: World): void {
  for (const process of world.values()) process.purse = confirm(process.purse)
}
