import { dirname } from 'node:path'
import { type Clock, type FileSystem, type RecordDraft, runtimeProcess } from '@vigil/protocol'
import { writeFileAtomically } from '../atomic-file.ts'
import { loadCheckpoints } from '../checkpoint-file.ts'
import { openLog } from '../open-log.ts'
import { dataTexts, places } from '../places.ts'
import { encodeRecord } from '../record-codec.ts'
import { segmentsFrom, sidecarOf } from '../segment-files.ts'
import { readSegment } from '../segment-reader.ts'
import { segmentWriter } from '../segment-writer.ts'
import type { LostBody } from './body-survey.ts'
import { type Loss, lossDrafts, losses } from './losses.ts'
import type { RepairPlan } from './repair-plan.ts'
import { checkpointsOf, journalOf } from './survey.ts'

export interface RepairOptions {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  /** The data directory, which the caller holds. */
  readonly directory: string
}

/** Bytes as they were found: copied before anything is replaced. */
const aside = '.damaged-'

/**
 * Does what was planned, and puts on record what is lost. Killed at any moment it leaves a log that it can be called on
 * again: a segment is replaced whole, and says itself what is lost. Resolves with what was put on record, undefined if nothing.
 */
export async function repairLog(plan: RepairPlan, options: RepairOptions): Promise<Loss | undefined> {
  const { fileSystem, clock, directory } = options
  const suffix = `${aside}${isoTime(clock).replaceAll(':', '')}`
  for (const { path, trouble, bytes } of plan.segments) {
    if (trouble !== undefined && (await fileSystem.stat(path)) !== undefined)
      await writeFileAtomically(fileSystem, `${path}${suffix}`, await fileSystem.readFile(path))
    // Of other bytes; it is made again.
    await fileSystem.remove(sidecarOf(path))
    await writeFileAtomically(fileSystem, path, bytes)
  }
  for (const path of plan.checkpoints) await fileSystem.rename(path, `${path}${suffix}`)
  if (plan.checkpoints.length > 0) await fileSystem.syncDirectory(checkpointsOf(directory))
  for (const path of plan.indexes) await fileSystem.remove(path)
  for (const { path, damaged } of plan.bodies) {
    if (!damaged) continue
    await fileSystem.rename(path, `${path}${suffix}`)
    await fileSystem.syncDirectory(dirname(path))
  }
  const loss = await lossesOf(fileSystem, directory)
  if (loss !== undefined || plan.bodies.length > 0) await putOnRecord({ loss, bodies: plan.bodies, suffix }, options)
  return loss
}

const isoTime = (clock: Clock): string => new Date(clock.now()).toISOString()

async function lossesOf(fileSystem: FileSystem, directory: string): Promise<Loss | undefined> {
  const found = losses()
  for (const path of await segmentsFrom(fileSystem, journalOf(directory), 0))
    await readSegment(fileSystem, path, { visit: found.see })
  const rounds = await loadCheckpoints(fileSystem, checkpointsOf(directory))
  for (const checkpoint of rounds.reverse()) found.ends(checkpoint)
  return found.toRecord()
}

/** In a segment of their own: within one the places of a process never leap. */
async function putOnRecord(
  found: { readonly loss: Loss | undefined; readonly bodies: readonly LostBody[]; readonly suffix: string },
  { fileSystem, clock, directory }: RepairOptions,
): Promise<void> {
  const journal = journalOf(directory)
  const given = places()
  const { tail } = await openLog({
    fileSystem,
    clock,
    directory: journal,
    checkpointDirectory: checkpointsOf(directory),
    given,
  })
  const writer = segmentWriter(fileSystem, journal, 0, tail)
  try {
    const movedTo = (await fileSystem.readDirectory(journal)).filter((name) => name.includes(aside))
    const drafts = [
      ...(found.loss === undefined ? [] : lossDrafts(found.loss, given, movedTo)),
      ...found.bodies.map((body) => bodyDraft(body, found.suffix)),
    ]
    const data = dataTexts(drafts)
    const records = given.give(drafts, isoTime(clock))
    const last = records.length - 1
    const bodies = records.map((record, index) =>
      encodeRecord(record, { data: data[index] as string, more: index < last }),
    )
    await writer.write(bodies, records[0]?.seq as number)
  } finally {
    await writer.close()
  }
}

const bodyDraft = ({ process, hash, damaged, what }: LostBody, suffix: string): RecordDraft => ({
  process: runtimeProcess,
  epoch: 0,
  type: 'journal.body_lost',
  data: { owner: process, blob: hash, what, ...(damaged ? { moved_to: `${hash}${suffix}` } : {}) },
})
