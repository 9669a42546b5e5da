import { createHash } from 'node:crypto'
import { type Json, type ProcessName, VigilError } from '@vigil/protocol'
import type { ProcessFold, TurnFold } from '../fold/process-fold.ts'
import { pursesAbove } from '../fold/purse-fold.ts'
import { doubtsOf } from '../fold/turn-fold.ts'
import type { World } from '../fold/world.ts'
import { type CallSite, named } from '../gate/effect.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { Doubt, DoubtDecision } from '../surface.ts'

/** Effects that may or may not have happened, and whose turns wait until a person has looked. */
interface Found {
  readonly process: ProcessFold
  readonly turn: TurnFold
  readonly key: string
  readonly doubt: Doubt
}

/** The same as long as the doubt is there, in every life of ring 0. */
const idOf = (process: string, turn: string, key: string): string =>
  createHash('sha256').update(`${process}\n${turn}\n${key}`).digest('hex').slice(0, 16)

function* found(world: World): Generator<Found> {
  for (const process of world.values()) {
    for (const turn of process.turns.values()) {
      if (turn.parked === undefined) continue
      for (const { key, kind, input, at } of doubtsOf(turn)) {
        if (!turn.parked.doubts.includes(key)) continue
        const about = { process: process.name, turn: turn.turn, eventId: turn.eventId, kind, key, at }
        const doubt = {
          id: idOf(process.name, turn.turn, key),
          ...about,
          ...(input === undefined ? {} : { input: input as Json }),
        }
        yield { process, turn, key, doubt }
      }
    }
  }
}

export const listDoubts = (world: World): Doubt[] => [...found(world)].map(({ doubt }) => doubt)

/**
 * Puts a person's word on record; resolves with the name of the process when it is durable. The turn goes on when all its
 * doubts are resolved.
 * @throws DOUBT_NOT_FOUND
 */
export async function resolveDoubt(
  log: RecordLog,
  id: string,
  { outcome, result, by }: DoubtDecision & { readonly by: string },
): Promise<string> {
  const one = found(log.world).find(({ doubt }) => doubt.id === id)
  if (one === undefined) throw new VigilError('DOUBT_NOT_FOUND', `there is no doubt ${id}; it may have been resolved`)
  const { process, turn, key } = one
  await log.commitDurably([
    {
      process: process.name as ProcessName,
      epoch: process.epoch,
      type: 'doubt.resolved',
      turn: turn.turn,
      data: {
        ...{ key, outcome, by, ...(outcome === 'done' ? { result: result ?? null } : {}) },
        ...refundOf(log.world, one, outcome),
      },
    },
  ])
  return process.name
}

/** In doubt a call is charged with the worst. One that is made anew counts as one, and may well be billed twice. */
function refundOf(world: World, { process, turn, key }: CallSite, outcome: DoubtDecision['outcome']) {
  const charged = turn.effects.get(key)
  const { usd, tokens, ...counts } = charged?.reserved ?? {}
  const all = { ...counts, ...(usd === undefined ? {} : { usd }), ...(tokens === undefined ? {} : { tokens }) }
  const refunded = outcome === 'not_done' ? all : outcome === 'retry' ? counts : {}
  if (charged === undefined || Object.keys(refunded).length === 0) return {}
  return { refunded, charged_at: charged.at, ...named(pursesAbove(world, process)) }
}
