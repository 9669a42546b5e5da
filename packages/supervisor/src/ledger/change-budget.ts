import { fromDollars } from '@vigil/governance'
import { type BudgetPatch, checkBudgetPatch, type ProcessName, VigilError } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { BudgetChange } from './budget-surface.ts'

/**
 * Lays limits over those of the manifest; they hold at once, also for turns that are open. `ifRevision`: only as long as nobody else has changed it.
 * @throws INVALID_CONFIG, UNKNOWN_FIELD with the path · REVISION
 */
export async function changeBudget(
  log: RecordLog,
  process: ProcessFold,
  { patch, by, ifRevision }: { readonly patch: unknown; readonly by: string; readonly ifRevision?: number | undefined },
): Promise<BudgetChange> {
  const set: BudgetPatch = checkBudgetPatch(patch)
  if (ifRevision !== undefined && ifRevision !== process.budgetRevision) {
    const message = `expected revision ${ifRevision} of the budget of "${process.name}", found ${process.budgetRevision}`
    throw new VigilError('REVISION', message, { details: { revision: process.budgetRevision } })
  }
  const { name, epoch } = process
  const committed = log.commitDurably([
    { process: name as ProcessName, epoch, type: 'budget.changed', data: { set, by } },
  ])
  const { budgetRevision: revision } = process
  await committed
  return { name, revision }
}

/** More for the hour, day and month that are now. @throws INVALID_ARGUMENT */
export async function grantBudget(
  log: RecordLog,
  process: ProcessFold,
  { usd, by }: { readonly usd: number; readonly by: string },
): Promise<BudgetChange> {
  if (!(usd > 0 && usd <= mostUsd))
    throw new VigilError('INVALID_ARGUMENT', `expected an amount of dollars above 0, at most ${mostUsd}, found ${usd}`)
  const { name, epoch } = process
  await log.commitDurably([
    { process: name as ProcessName, epoch, type: 'budget.granted', data: { usd: fromDollars(usd), by } },
  ])
  return { name, revision: process.budgetRevision }
}

const mostUsd = 1_000_000_000
