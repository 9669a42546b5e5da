import { type JournalRecord, type RecordDraft, VigilError } from '@vigil/protocol'

/** Gives records their place: `seq` in the log, `n` in their process, and refuses lives that are over. */
export interface Places {
  readonly lastSeq: number
  /** All drafts get their places, or none does. @throws FENCED */
  give(drafts: readonly RecordDraft[], at: string): JournalRecord[]
  /** Learns a record that was read. */
  learn(record: Pick<JournalRecord, 'seq' | 'process' | 'n' | 'epoch'>): void
  /** process -> [n, epoch], for checkpoints. */
  dump(): [string, number, number][]
  restore(seq: number, rows: readonly (readonly [string, number, number])[]): void
}

export function places(): Places {
  let lastSeq = 0
  const processes = new Map<string, { n: number; epoch: number }>()
  return {
    get lastSeq() {
      return lastSeq
    },
    give(drafts, at) {
      // Most batches are one record, and need no memory of what stands before them in the batch.
      const newest = drafts.length > 1 ? new Map<string, number>() : undefined
      for (const { process, epoch } of drafts) {
        const known = newest?.get(process) ?? processes.get(process)?.epoch ?? 0
        if (epoch < known)
          throw new VigilError(
            'FENCED',
            `"${process}" lives in epoch ${known}; a record of epoch ${epoch} came too late`,
          )
        newest?.set(process, epoch)
      }
      return drafts.map((draft) => {
        let place = processes.get(draft.process)
        if (place === undefined) {
          place = { n: 0, epoch: 0 }
          processes.set(draft.process, place)
        }
        place.n += 1
        place.epoch = draft.epoch
        lastSeq += 1
        return placed(draft, { seq: lastSeq, n: place.n, at })
      })
    },
    learn({ seq, process, n, epoch }) {
      lastSeq = seq
      processes.set(process, { n, epoch })
    },
    dump: () => [...processes].map(([process, { n, epoch }]) => [process, n, epoch]),
    restore(seq, rows) {
      lastSeq = seq
      for (const [process, n, epoch] of rows) processes.set(process, { n, epoch })
    },
  }
}

/** Member by member: a spread costs twice as much, and there is one for each record. */
function placed(draft: RecordDraft, { seq, n, at }: Pick<JournalRecord, 'seq' | 'n' | 'at'>): JournalRecord {
  const { process, epoch, type, turn, data } = draft
  const record =
    turn === undefined ? { seq, at, process, n, epoch, type, data } : { seq, at, process, n, epoch, type, turn, data }
  return record as JournalRecord
}

/** The JSON of each draft's data, made before anything gets a place: data that is no JSON must not leave a gap. */
export const dataTexts = (drafts: readonly RecordDraft[]): string[] =>
  drafts.map(({ type, data }) => {
    // A function, undefined and the like have no JSON: such a line could be written and never be read.
    const text: string | undefined = JSON.stringify(data)
    if (text === undefined) throw new TypeError(`expected the data of ${type} to be JSON, found ${typeof data}`)
    return text
  })

/** ISO time of a wall clock, formatted once per millisecond: formatting costs more than the rest of a line. */
export function isoClock(now: () => number): () => string {
  let lastMs = Number.NaN
  let text = ''
  return () => {
    const ms = now()
    if (ms !== lastMs) {
      lastMs = ms
      text = new Date(ms).toISOString()
    }
    return text
  }
}
