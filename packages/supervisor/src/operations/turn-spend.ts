import { type JournalStore, VigilError } from '@vigil/protocol'
import type { TurnSpend } from '../ledger/budget-surface.ts'
import { turnTally } from '../ledger/turn-spend.ts'

const pageRecords = 1_000

/**
 * What a turn has spent and reserved, from its records: of an ended one nothing else is known.
 * @throws TURN_NOT_FOUND when its beginning is not in what is kept of the log, since a part of a sum is none
 */
export async function turnSpend(journal: JournalStore, process: string, turn: string): Promise<TurnSpend> {
  const tally = turnTally()
  let hasBegun = false
  // Bounded by the calls and attempts that a turn may have.
  for (let after = 0; ; ) {
    const query = { process, turn, after, limit: pageRecords, order: 'oldest_first', bodies: 'named' } as const
    const { records } = await journal.page(query)
    for (const record of records) {
      hasBegun ||= record.type === 'turn.started' && record.data.attempt === 1
      tally.add(record)
    }
    const last = records.at(-1)
    if (last === undefined || records.length < pageRecords) break
    after = last.n
  }
  if (!hasBegun)
    throw new VigilError('TURN_NOT_FOUND', `the beginning of turn ${turn} of "${process}" is not on record`)
  return { process, turn, ...tally.told() }
}
