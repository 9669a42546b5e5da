import { type Amounts, at, type Budget, emptyPurse, settle } from '@vigil/governance'
import type { ProcessFold, TurnFold } from './process-fold.ts'

/** Models of one process that are told apart; what more of them come to is told as that of the last. */
const toldApart = 64
const theRest = 'others'

export interface Now {
  readonly atMs: number
  readonly budget: Budget
}

/** What calls of a model came to, in the periods of the budget of their process. */
export function spendOnModel(
  process: ProcessFold,
  {
    turn,
    key,
    spent,
    now,
  }: { readonly turn: TurnFold | undefined; readonly key: string; readonly spent: Amounts; readonly now: Now },
): void {
  const { kind, input } = turn?.effects.get(key) ?? {}
  if (kind !== 'model.generate' && kind !== 'model.embed') return
  const { model } = input as { readonly model: string }
  const name = process.spentOn.has(model) || process.spentOn.size < toldApart ? model : theRest
  const purse = at(process.spentOn.get(name) ?? emptyPurse, now.atMs, now.budget)
  process.spentOn.set(name, settle(purse, {}, spent))
}

/** Of calls that had begun when their turn ended, each is paid as what was reserved for it. */
export function chargeModels(process: ProcessFold, turn: TurnFold | undefined, now: Now): void {
  for (const { key, outcome, reserved } of turn?.effects.values() ?? [])
    if (outcome === undefined && reserved !== undefined) spendOnModel(process, { turn, key, spent: reserved, now })
}
