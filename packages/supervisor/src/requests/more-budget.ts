import { fromDollars, type Kind } from '@vigil/governance'
import { type Outcome, type ProcessName, type RecordDraft, VigilError } from '@vigil/protocol'
import type { RequestFold } from '../fold/process-fold.ts'
import type { World } from '../fold/world.ts'

/** A call does not fit into a limit, and people are asked to give what it needs. */
export interface AskedBudget {
  readonly action: string
  readonly details: {
    /** Whose limit it is. */
    readonly owner: string
    readonly per: 'turn' | 'hour' | 'day' | 'month'
    readonly kind: Kind
    /** Dollars, or a count, like the others. */
    readonly asked: number
    readonly limit: number
    readonly spent: number
    readonly reserved: number
  }
}

const mostUsd = 1_000_000_000

/** `{ usd: 5 }`: more than what the call needs. @throws INVALID_ARGUMENT */
export function assertAmount({ asked }: Pick<RequestFold, 'asked'>, edits: unknown): void {
  const { kind } = (asked as AskedBudget).details
  const [[name, amount] = [], ...others] = Object.entries((edits ?? {}) as object)
  const isCount = kind === 'usd' || Number.isSafeInteger(amount)
  if (name === kind && others.length === 0 && typeof amount === 'number' && amount > 0 && amount <= mostUsd && isCount)
    return
  throw new VigilError('INVALID_ARGUMENT', `expected edits such as {"${kind}": 5}, found ${JSON.stringify(edits)}`)
}

/** What an approval gives: in one batch with it, or a crash between the two would have it said and not done. */
export function grantRecords(
  world: World,
  { kind: asks, asked, turn }: Pick<RequestFold, 'kind' | 'asked' | 'turn'>,
  { outcome, by }: { readonly outcome?: Outcome | undefined; readonly by: string },
): RecordDraft[] {
  if (asks !== 'budget' || outcome?.ok !== true) return []
  const { approved, edits } = outcome.value as { approved: boolean; edits?: Partial<Record<Kind, number>> }
  const { owner, per, kind, asked: needs } = (asked as AskedBudget).details
  const holder = world.get(owner)
  if (!approved || holder === undefined) return []
  const amount = edits?.[kind] ?? needs
  const amounts = { [kind]: kind === 'usd' ? fromDollars(amount) : amount }
  const data = { amounts, ...(per === 'turn' ? { for_turn: true } : {}), by }
  const author = { process: owner as ProcessName, epoch: holder.epoch }
  return [{ ...author, type: 'budget.granted', ...(per === 'turn' ? { turn } : {}), data }]
}
