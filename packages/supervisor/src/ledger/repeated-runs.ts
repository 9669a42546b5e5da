import type { Amounts } from '@vigil/governance'
import { errorBody, type ProcessName, type RecordDraft } from '@vigil/protocol'
import type { EffectFold, ProcessFold, TurnFold } from '../fold/process-fold.ts'
import { pursesAbove } from '../fold/purse-fold.ts'
import type { World } from '../fold/world.ts'
import { named } from '../gate/effect.ts'
import { toolRules } from '../gate/tools/rules.ts'
import { exceededAt, refusalFor } from './ledger.ts'

/**
 * Calls of tools that are paid for each run, have begun, and have no outcome. A guest that is given their turn runs them again. What
 * counts calls is not taken again: it is one call.
 */
export function* paidRuns(process: ProcessFold, turn: TurnFold): Generator<{ key: string; price: Amounts }> {
  for (const effect of turn.effects.values()) {
    const price = paidAgain(effect.reserved)
    if (price !== undefined && isPaidRun(process, effect)) yield { key: effect.key, price }
  }
}

/** Of what was reserved, what each run takes. */
export function paidAgain({ usd, tokens }: Amounts = {}): Amounts | undefined {
  if (usd === undefined && tokens === undefined) return undefined
  return { ...(usd === undefined ? {} : { usd }), ...(tokens === undefined ? {} : { tokens }) }
}

/** A tool that is not there any more cannot say that it takes no money twice. */
function isPaidRun(process: ProcessFold, { kind, outcome, repeatable, input }: EffectFold): boolean {
  if (kind !== 'tool' || outcome !== undefined || !repeatable) return false
  return toolRules(process, (input as { readonly name: string }).name)?.idempotent !== true
}

/** What has to be on record before this is done again: that it is paid again, or that there is no room for that. */
export function repeatedRecords(
  world: World,
  site: { readonly process: ProcessFold; readonly turn: TurnFold; readonly key: string },
  { price, nowMs, rerun = false }: { readonly price: Amounts; readonly nowMs: number; readonly rerun?: boolean },
): RecordDraft[] {
  const { process, turn, key } = site
  const author = { process: process.name as ProcessName, epoch: process.epoch, turn: turn.turn }
  const purses = named(pursesAbove(world, process))
  const exceeded = exceededAt(world, site, price, nowMs)
  if (exceeded === undefined) return [{ ...author, type: 'effect.repeated', data: { key, reserved: price, ...purses } }]
  const { kind = 'tool', reserved: spent = {} } = turn.effects.get(key) ?? {}
  const { error, beside } = refusalFor(world, site, kind, exceeded)
  const outcome = { ok: false, error: errorBody(error) } as const
  const data = { key, kind, outcome, ...(rerun ? { rerun } : {}), spent, ...purses }
  return [{ ...author, type: 'effect.completed', data }, ...beside]
}
