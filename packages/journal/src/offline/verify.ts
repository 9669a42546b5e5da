import type { JournalRecord } from '@vigil/protocol'
import { sidecarOf } from '../segment-files.ts'
import type { Sealed } from '../segment-indexes.ts'
import { bodySurvey } from './body-survey.ts'
import { sidecarState } from './sidecar-check.ts'
import { type DataFiles, surveyCheckpoints, surveySegments, type Trouble } from './survey.ts'

/** What a look at every byte of a data directory found. */
export interface Verification {
  readonly segments: readonly SegmentFinding[]
  readonly checkpoints: readonly CheckpointFinding[]
  /** Sidecars of sealed segments: so many are whole, so many a crash left torn, which are written anew when they are needed. */
  readonly indexes: { readonly whole: number; readonly torn: number }
  /** Bodies beside the log that its records name: so many are there, were taken away, and are missing or damaged. */
  readonly bodies: { readonly whole: number; readonly gone: number; readonly lost: number }
  /** Whether a supervisor was at work; what it had not made durable was not looked at. */
  readonly being_written: boolean
  readonly troubles: readonly Trouble[]
}

export interface SegmentFinding {
  readonly path: string
  readonly first_seq: number
  readonly last_seq: number
  readonly records: number
  readonly bytes: number
  /** Of a write that nobody was told of: the next start moves them aside. */
  readonly torn_bytes: number
  /** Of the records, those that a repair could not read any more. */
  readonly lost: number
}

export interface CheckpointFinding {
  readonly path: string
  /** Absent when it is damaged. */
  readonly seq?: number
  readonly processes?: number
}

/** Reads every segment whole (chain, places, batches, flush marks), and every checkpoint. Changes nothing. */
export async function verifyLog(files: DataFiles): Promise<Verification> {
  const rounds = await surveyCheckpoints(files)
  const troubles: Trouble[] = []
  const segments: SegmentFinding[] = []
  const order = placeOrder()
  const bodies = bodySurvey(files)
  const sealed: Sealed[] = []
  let records = 0
  let lost = 0
  let disorder: string | undefined
  const visit = (record: JournalRecord): void => {
    records += 1
    if (record.type === 'journal.record_lost') lost += 1
    disorder ??= order(record)
    bodies.see(record)
  }
  for await (const { path, first, reading, trouble } of surveySegments(files, rounds, visit)) {
    segments.push({
      path,
      first_seq: first,
      last_seq: reading?.lastSeq ?? first - 1,
      records,
      bytes: reading?.goodBytes ?? 0,
      torn_bytes: trouble === undefined ? (reading?.badUpTo ?? 0) - (reading?.goodBytes ?? 0) : 0,
      lost,
    })
    if (trouble === undefined && reading !== undefined) sealed.push({ path, lastSeq: reading.lastSeq })
    if (trouble !== undefined) troubles.push(trouble)
    else if (disorder !== undefined) troubles.push({ path, offset: 0, what: disorder })
    records = lost = 0
    disorder = undefined
  }
  for (const { path, checkpoint } of rounds)
    if (checkpoint === undefined) troubles.push({ path, offset: 0, what: 'the checkpoint is damaged' })
  const checkpoints = rounds.map(({ path, checkpoint }) => ({
    path,
    ...(checkpoint === undefined ? {} : { seq: checkpoint.seq, processes: checkpoint.rows.size }),
  }))
  // The last one grows.
  const grows = segments.at(-1)?.path
  const closed = sealed.filter(({ path }) => path !== grows)
  const indexes = await verifySidecars(files, closed, troubles)
  const { whole, gone, lost: lostBodies } = await bodies.findings()
  for (const { path, what } of lostBodies) troubles.push({ path, offset: 0, what })
  return {
    segments,
    checkpoints,
    indexes,
    bodies: { whole, gone, lost: lostBodies.length },
    being_written: files.beingWritten,
    troubles,
  }
}

async function verifySidecars({ fileSystem }: DataFiles, sealed: readonly Sealed[], troubles: Trouble[]) {
  const counts = { whole: 0, torn: 0 }
  for (const segment of sealed) {
    const state = await sidecarState(fileSystem, segment)
    if (state === 'wrong') troubles.push({ path: sidecarOf(segment.path), offset: 0, what: wrongIndex })
    else if (state !== 'absent') counts[state] += 1
  }
  return counts
}

const wrongIndex = 'it is whole and not the index of its segment'

/** Places of each process grow by one, except over what is damaged or may have been lost; no epoch comes back. */
function placeOrder(): (record: JournalRecord) => string | undefined {
  const places = new Map<string, Pick<JournalRecord, 'seq' | 'n' | 'epoch'>>()
  let newest = 0
  let lostBefore = 0
  return ({ process, seq, n, epoch, type }) => {
    if (seq !== newest + 1) lostBefore = seq
    newest = seq
    const before = places.get(process)
    places.set(process, { seq, n, epoch })
    if (before === undefined || (epoch >= before.epoch && n === before.n + 1)) return undefined
    const mayLeap = type === 'journal.repaired' || before.seq < lostBefore
    if (epoch >= before.epoch && n > before.n && mayLeap) return undefined
    return `record ${seq} of ${process} has place ${n} and epoch ${epoch} after ${before.n} and ${before.epoch}`
  }
}
