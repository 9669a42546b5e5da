import { Packr, unpackMultiple } from 'msgpackr'
import { type Row, restoredRow, snapshotRow } from './checkpoint-row.ts'
import { packable } from './packable.ts'
import type { ProcessFold } from './process-fold.ts'

/** Entries of a list that are packed in one go: more of them follow in pieces, so that a row of any size keeps nobody waiting. */
const pieceEntries = 256

/** Without record extensions any msgpack reader can read a row. */
const packr = new Packr({ useRecords: false })

/**
 * The pieces of a process as it is now, at record `seq`: the first holds the process with its lists cut short, the others
 * the rest of the lists. All of it is copied before the first piece is packed, so what happens in between is not in it.
 */
export function* packRow(process: ProcessFold, seq: number): Generator<Uint8Array> {
  const row = { ...snapshotRow(process), seq }
  const rests = listsOf(row).map((list) => list.splice(pieceEntries))
  yield pack(row)
  for (const [index, rest] of rests.entries())
    for (let at = 0; at < rest.length; at += pieceEntries) yield pack([index, rest.slice(at, at + pieceEntries)])
}

const pack = (value: unknown): Uint8Array => Uint8Array.from(packr.pack(packable(value)))

/** The inverse of `packRow`, its pieces one behind the other; the store has already checked the checksum. */
export function unpackRow(bytes: Uint8Array): { readonly process: ProcessFold; readonly seq: number } {
  const [row, ...pieces] = unpackMultiple(bytes) as [Row & { seq: number }, ...[number, unknown[]][]]
  const lists = listsOf(row)
  for (const [index, entries] of pieces) for (const entry of entries) lists[index]?.push(entry)
  const { seq, ...process } = row
  return { process: restoredRow(process), seq }
}

/** What may grow long, in the same order before packing and after. */
const listsOf = (row: Row): unknown[][] => [
  row.mailbox,
  ...row.dedupe.map(([, keys]) => keys),
  row.deadLetters,
  row.state,
  row.stateHistory,
  row.memory ?? [],
  row.cronFrom,
  ...row.turns.flatMap(([, turn]) => [turn.effects, turn.before]),
  ...row.baselines.map(([, files]) => files),
]
