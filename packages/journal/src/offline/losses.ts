import {
  type JournalRecord,
  type ProcessName,
  type RecordData,
  type RecordDraft,
  runtimeProcess,
} from '@vigil/protocol'
import type { StoredCheckpoint } from '../checkpoint-file.ts'
import type { Places } from '../places.ts'
import { nobody } from './lost-places.ts'

/** What the places that are lost mean for each process, learned by reading all of the log. */
export interface Losses {
  see(record: JournalRecord): void
  /** When all was seen: what a round knows of the end. */
  ends(checkpoint: StoredCheckpoint): void
  /** What has to be put on record; undefined when all of it is. */
  toRecord(): Loss | undefined
}

export interface Loss {
  readonly lost: readonly Range[]
  readonly affected: readonly AffectedProcess[]
}

type Range = RecordData<'journal.repaired'>['lost'][number]

interface AffectedProcess {
  readonly process: string
  /** Behind every place and epoch that a lost record may have had. */
  readonly n: number
  readonly epoch: number
  readonly atMost: number
}

interface Known {
  readonly firstN: number
  readonly firstSeq: number
  seq: number
  n: number
  epoch: number
}

export function losses(): Losses {
  const processes = new Map<string, Known>()
  const lost: { readonly seq: number; readonly process: string }[] = []
  const recorded: Range[] = []

  return {
    see(record) {
      const { seq, process, n, epoch, type, data } = record
      if (type === 'journal.repaired') recorded.push(...data.lost)
      if (type === 'journal.record_lost') lost.push({ seq, process })
      if (process.startsWith(nobody)) return
      const known = processes.getOrInsertComputed(process, () => ({ firstN: n, firstSeq: seq, seq, n, epoch }))
      Object.assign(known, { seq, n, epoch })
    },
    ends({ seq, places }) {
      for (const [process, n, epoch] of places) {
        if (process.startsWith(nobody)) continue
        const known = processes.getOrInsertComputed(process, () => ({ firstN: n, firstSeq: seq, seq, n, epoch }))
        if (n >= known.n) Object.assign(known, { seq: Math.max(seq, known.seq), n, epoch })
      }
    },
    toRecord() {
      const isNew = ({ seq }: { readonly seq: number }): boolean =>
        !recorded.some(({ from_seq, to_seq }) => from_seq <= seq && seq <= to_seq)
      const fresh = lost.filter(isNew)
      if (fresh.length === 0) return undefined
      const owned = Map.groupBy(fresh, ({ process }) => process)
      const unowned = fresh.filter(({ process }) => process.startsWith(nobody)).map(({ seq }) => seq)
      const affected = [...processes].flatMap(([process, known]) => {
        const before = unowned.filter((seq) => seq < known.firstSeq).length
        const behind = unowned.filter((seq) => seq > known.seq).length
        const atMost = (owned.get(process)?.length ?? 0) + Math.min(before, known.firstN - 1) + behind
        // The runtime has one epoch.
        const epoch = process === runtimeProcess ? known.epoch : known.epoch + behind
        return atMost === 0 ? [] : [{ process, n: known.n + behind, epoch, atMost }]
      })
      return { lost: rangesOf(fresh.map(({ seq }) => seq)), affected }
    },
  }
}

function rangesOf(seqs: readonly number[]): Range[] {
  const ranges: Range[] = []
  for (const seq of seqs) {
    const last = ranges.at(-1)
    if (last !== undefined && last.to_seq === seq - 1) last.to_seq = seq
    else ranges.push({ from_seq: seq, to_seq: seq })
  }
  return ranges
}

/** One record for the house and one for each process that may have lost something, behind every place that was taken. */
export function lossDrafts({ lost, affected }: Loss, given: Places, movedTo: readonly string[]): RecordDraft[] {
  for (const { process, n, epoch } of affected)
    given.learn({ seq: given.lastSeq, process: process as ProcessName, n, epoch })
  const repaired = (data: RecordData<'journal.repaired'>, process: ProcessName, epoch: number): RecordDraft => ({
    process,
    epoch,
    type: 'journal.repaired',
    data,
  })
  const agents = affected.filter(({ process }) => process !== runtimeProcess)
  const processes = agents.map(({ process }) => process)
  const count = lost.reduce((sum, { from_seq, to_seq }) => sum + to_seq - from_seq + 1, 0)
  return [
    repaired({ lost: [...lost], at_most: count, processes, moved_to: [...movedTo] }, runtimeProcess, 0),
    ...agents.map(({ process, epoch, atMost }) =>
      repaired({ lost: [...lost], at_most: atMost }, process as ProcessName, epoch),
    ),
  ]
}
