import { lastOf, sidecarOf } from '../segment-files.ts'
import { readSegment } from '../segment-reader.ts'
import { bodySurvey, type LostBody } from './body-survey.ts'
import { type ExaminedSegment, examineSegment } from './examined-segment.ts'
import { lostPlaces, type Owner } from './lost-places.ts'
import { rebuiltSegment } from './rebuilt-segment.ts'
import { sidecarState } from './sidecar-check.ts'
import {
  type DataFiles,
  newestSeq,
  type SurveyedSegment,
  surveyCheckpoints,
  surveySegments,
  type Trouble,
} from './survey.ts'

/** What a repair would do: nothing of it is done yet. */
export interface RepairPlan {
  readonly segments: readonly SegmentRepair[]
  /** Damaged rounds, to be moved aside. */
  readonly checkpoints: readonly string[]
  /** Sidecars that say something else than their segments, to be removed: they are written anew when they are needed. */
  readonly indexes: readonly string[]
  /** Bodies that are missing or damaged, to be put on record. */
  readonly bodies: readonly LostBody[]
}

export interface SegmentRepair {
  readonly path: string
  /** Undefined when it is whole, and has to continue another checksum than before. */
  readonly trouble: Trouble | undefined
  /** How many records can be read, and how many may be lost. */
  readonly kept: number
  readonly lost: number
  /** The segment as it will be. */
  readonly bytes: Buffer
}

export async function planRepair(files: DataFiles): Promise<RepairPlan> {
  const rounds = await surveyCheckpoints(files)
  const checkpoints = rounds.flatMap(({ path, checkpoint }) => (checkpoint === undefined ? [path] : []))
  const seen = bodySurvey(files)
  const surveyed = await Array.fromAsync(surveySegments(files, rounds, seen.see))
  const { lost: bodies } = await seen.findings()
  const indexes = await wrongSidecars(files, surveyed)
  if (surveyed.every(({ trouble }) => trouble === undefined)) return { segments: [], checkpoints, indexes, bodies }
  const places = lostPlaces(surveyed[0]?.first ?? 1)
  const examined = await examine(files, surveyed, { places, least: newestSeq(rounds) })
  for (const { checkpoint } of rounds) if (checkpoint !== undefined) places.ends(checkpoint.places)
  return {
    segments: await rebuild(files, surveyed, { examined, owners: places.assigned() }),
    checkpoints,
    indexes,
    bodies,
  }
}

async function wrongSidecars({ fileSystem }: DataFiles, surveyed: readonly SurveyedSegment[]): Promise<string[]> {
  const wrong: string[] = []
  for (const { path, reading, trouble } of surveyed.slice(0, -1)) {
    if (trouble !== undefined || reading === undefined) continue
    if ((await sidecarState(fileSystem, { path, lastSeq: reading.lastSeq })) === 'wrong') wrong.push(sidecarOf(path))
  }
  return wrong
}

/** Looks what can be read of each segment that is damaged, and at every record of the others. */
async function examine(
  { fileSystem }: DataFiles,
  surveyed: readonly SurveyedSegment[],
  { places, least }: { readonly places: ReturnType<typeof lostPlaces>; readonly least: number },
): Promise<ReadonlyMap<string, ExaminedSegment>> {
  const examined = new Map<string, ExaminedSegment>()
  const paths = surveyed.map(({ path }) => path)
  let chain = surveyed[0]?.first === 1 ? 0 : undefined
  for (const [index, { path, first, trouble }] of surveyed.entries()) {
    if (trouble === undefined) {
      chain = (await readSegment(fileSystem, path, { visit: places.see }))?.chain
      continue
    }
    const around = { first, last: lastOf(paths, index), chain, nextPath: paths[index + 1], least }
    const found = await examineSegment(fileSystem, path, around)
    examined.set(path, found)
    let seq = first
    for (const { place } of found.lines) {
      if (seq < place.seq) places.miss(seq, place.seq - 1)
      places.see(place)
      seq = place.seq + 1
    }
    if (seq <= found.upTo) places.miss(seq, found.upTo)
    chain = seq <= found.upTo ? found.nextChain : found.lines.at(-1)?.crc
  }
  return examined
}

async function rebuild(
  { fileSystem }: DataFiles,
  surveyed: readonly SurveyedSegment[],
  {
    examined,
    owners,
  }: { readonly examined: ReadonlyMap<string, ExaminedSegment>; readonly owners: ReadonlyMap<number, Owner> },
): Promise<SegmentRepair[]> {
  const repairs: SegmentRepair[] = []
  let chain: number | undefined
  for (const { path, first, reading, trouble } of surveyed) {
    if (trouble === undefined && (chain === undefined || reading === undefined || reading.seed === chain)) {
      chain = reading?.chain ?? chain
      continue
    }
    const around = { first, last: reading?.lastSeq, chain: reading?.seed, nextPath: undefined, least: 0 }
    const { lines, upTo, nextChain } = examined.get(path) ?? (await examineSegment(fileSystem, path, around))
    // The oldest that is kept continues one that was given up: any checksum will do, and its own is the best.
    const rebuilt = rebuiltSegment({
      first,
      upTo,
      lines,
      chain: chain ?? oldestChain(first, lines[0]),
      nextChain,
      owners,
    })
    repairs.push({ path, trouble, kept: lines.length, lost: upTo - first + 1 - lines.length, bytes: rebuilt.bytes })
    chain = rebuilt.chain
  }
  return repairs
}

const oldestChain = (first: number, line: ExaminedSegment['lines'][number] | undefined): number =>
  first === 1 || line?.place.seq !== first ? 0 : line.seed
