import { VigilError } from './errors.ts'
import type { JournalRecord } from './records.ts'

/** Data of a record as one version of its type had it, in the next one. Pure. */
export type Lift = (data: unknown) => unknown

/** For each type whose data has changed: its lifts, the first from version 1 to 2. */
export type Lifts = Readonly<Record<string, readonly Lift[]>>

/** No type has changed yet. Who changes one adds a lift here and golden files of the new version. */
const lifts: Lifts = {}

/** The version of a type that is written today. */
export const recordVersion = (type: string, table: Lifts = lifts): number => 1 + (table[type]?.length ?? 0)

/**
 * A record of any older version as today's code knows it.
 * @throws JOURNAL_DAMAGED when a later version of Vigil wrote it
 */
export function upcast(record: JournalRecord, version: number, table: Lifts = lifts): JournalRecord {
  const { type, data, seq } = record
  const newest = recordVersion(type, table)
  if (version === newest) return record
  if (version > newest)
    throw new VigilError(
      'JOURNAL_DAMAGED',
      `expected record ${seq} (${type}) in version ${newest} or older, found ${version}: open it with the version of Vigil that wrote it`,
      { details: { seq } },
    )
  const lifted = table[type]?.slice(version - 1).reduce<unknown>((older, lift) => lift(older), data)
  return { ...record, data: lifted } as JournalRecord
}
