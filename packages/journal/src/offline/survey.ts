import { join } from 'node:path'
import type { FileSystem, JournalRecord } from '@vigil/protocol'
import { checkpointFiles, type StoredCheckpoint } from '../checkpoint-file.ts'
import { firstOf, lastOf, segmentName, segmentsFrom } from '../segment-files.ts'
import { readSegment, type SegmentReading } from '../segment-reader.ts'

/** A data directory as it lies on the disk, read whole and changed in nothing. */
export interface DataFiles {
  readonly fileSystem: FileSystem
  readonly directory: string
  /** A supervisor writes behind what is read: only what is durable counts. */
  readonly beingWritten: boolean
}

export interface Trouble {
  readonly path: string
  readonly offset: number
  readonly what: string
}

export interface SurveyedSegment {
  readonly path: string
  readonly first: number
  readonly reading: SegmentReading | undefined
  readonly trouble: Trouble | undefined
}

export interface SurveyedCheckpoint {
  readonly path: string
  /** Undefined when it is damaged. */
  readonly checkpoint: StoredCheckpoint | undefined
}

export const journalOf = (directory: string): string => join(directory, 'journal')
export const checkpointsOf = (directory: string): string => join(directory, 'checkpoints')

/** Rounds first: the log behind them only grows. */
export const surveyCheckpoints = ({ fileSystem, directory }: DataFiles): Promise<SurveyedCheckpoint[]> =>
  Array.fromAsync(checkpointFiles(fileSystem, checkpointsOf(directory)))

export const newestSeq = (checkpoints: readonly SurveyedCheckpoint[]): number =>
  Math.max(0, ...checkpoints.map(({ checkpoint }) => checkpoint?.seq ?? 0))

/** Segments in order, each with the first thing that is wrong with it; `visit` sees every record that is in its place. */
export async function* surveySegments(
  files: DataFiles,
  checkpoints: readonly SurveyedCheckpoint[],
  visit: (record: JournalRecord) => void,
): AsyncGenerator<SurveyedSegment> {
  const { fileSystem, directory, beingWritten } = files
  const journal = journalOf(directory)
  const paths = (await fileSystem.stat(journal)) === undefined ? [] : await segmentsFrom(fileSystem, journal, 0)
  let before: SegmentReading | undefined
  const missing = missingBegin(journal, paths, checkpoints)
  if (missing !== undefined) yield missing
  for (const [index, path] of paths.entries()) {
    // Retention of a supervisor at work may have been quicker.
    if (beingWritten && (await fileSystem.stat(path)) === undefined) continue
    const isLast = index === paths.length - 1
    const upTo = isLast && beingWritten ? (await settled(fileSystem, path))?.lastFlushAt : undefined
    const reading = await readSegment(fileSystem, path, upTo === undefined ? { visit } : { visit, upToBytes: upTo })
    const least = isLast && !beingWritten ? newestSeq(checkpoints) : 0
    const wrong =
      reading === undefined
        ? await withoutHeader(fileSystem, path, isLast)
        : troubleOf(reading, { first: firstOf(path), last: lastOf(paths, index), least, before })
    yield { path, first: firstOf(path), reading, trouble: wrong && { path, ...wrong } }
    before = wrong === undefined ? reading : undefined
  }
}

/** What stands before the first segment has to be covered by a round, and may be missing only then. */
function missingBegin(
  journal: string,
  paths: readonly string[],
  checkpoints: readonly SurveyedCheckpoint[],
): SurveyedSegment | undefined {
  const first = paths[0] === undefined ? newestSeq(checkpoints) + 1 : firstOf(paths[0])
  const covered = checkpoints.some(({ checkpoint }) => (checkpoint?.seq ?? 0) + 1 >= first)
  if (first === 1 || (covered && paths.length > 0)) return undefined
  const path = join(journal, segmentName(1))
  return {
    path,
    first: 1,
    reading: undefined,
    trouble: { path, offset: 0, what: `records 1 to ${first - 1} are missing` },
  }
}

type Wrong = Omit<Trouble, 'path'>

/** A last segment without records was being made when its maker died, and nobody was told of anything in it. */
async function withoutHeader(fileSystem: FileSystem, path: string, isLast: boolean): Promise<Wrong | undefined> {
  const empty = isLast && !Buffer.from(await fileSystem.readFile(path)).includes('{"seq":')
  return empty ? undefined : { offset: 0, what: 'its header is damaged' }
}

function troubleOf(
  reading: SegmentReading,
  {
    first,
    last,
    least,
    before,
  }: {
    readonly first: number
    /** Seq of its last record; undefined for the segment that grows. */
    readonly last: number | undefined
    /** The seq up to which the log was once durable. */
    readonly least: number
    readonly before: Pick<SegmentReading, 'chain'> | undefined
  },
): Wrong | undefined {
  const { goodBytes: offset, lastSeq } = reading
  if (reading.first !== first) return { offset: 0, what: `its name says ${first}, its header ${reading.first}` }
  if (before !== undefined && reading.seed !== before.chain)
    return { offset: 0, what: 'it does not continue the segment before it' }
  if (reading.damagedInside || (offset !== reading.badUpTo && last !== undefined))
    return { offset, what: `what stands behind record ${lastSeq} is damaged` }
  if (lastSeq < Math.max(last ?? 0, least))
    return { offset, what: `records ${lastSeq + 1} to ${Math.max(last ?? 0, least)} are missing` }
  if (last !== undefined && lastSeq > last) return { offset, what: `it goes on past record ${last}` }
  return undefined
}

const tries = 3

/** What is read while it is written may look damaged for once; damage stays where it is. */
async function settled(fileSystem: FileSystem, path: string): Promise<SegmentReading | undefined> {
  let reading = await readSegment(fileSystem, path)
  for (let count = 1; count < tries && reading?.damagedInside === true; count += 1) {
    const again = await readSegment(fileSystem, path)
    if (again?.goodBytes === reading.goodBytes) return { ...again, lastFlushAt: Number.POSITIVE_INFINITY }
    reading = again
  }
  return reading
}
