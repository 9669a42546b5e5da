import { join } from 'node:path'
import type { Checkpoint, Clock, FileSystem, JournalStore } from '@vigil/protocol'
import { makeDurableDirectory } from './atomic-file.ts'
import { ballastIn, noBallast } from './ballast.ts'
import { blobStore } from './blob-store.ts'
import { loadCheckpoints, type StoredCheckpoint, saveCheckpoint } from './checkpoint-file.ts'
import { damageList } from './damage-list.ts'
import { onDisk } from './disk-failure.ts'
import { growingSegment } from './growing-segment.ts'
import { logAppender } from './log-appender.ts'
import { logPages } from './log-pages.ts'
import { replayLog } from './log-replay.ts'
import { openLog } from './open-log.ts'
import { places } from './places.ts'
import { type Retention, retire } from './retention.ts'
import { type ScrubPolicy, scrubber } from './scrub.ts'
import { segmentIndexes } from './segment-indexes.ts'
import { segmentWriter } from './segment-writer.ts'

export interface FileStoreOptions {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  /** The data directory; the log lies in `journal/`, checkpoints in `checkpoints/`. */
  readonly directory: string
  /** A segment is sealed when it has grown past this; default 64 MB. */
  readonly segmentBytes?: number
  /** Room that is kept for what was begun when the disk fills; default none, for who only reads. */
  readonly ballastBytes?: number
  /** What is removed after a round of checkpoints; default nothing. */
  readonly retention?: Retention
  /** How the log is looked through for damage; default not at all. */
  readonly scrub?: ScrubPolicy
}

const defaultSegmentBytes = 64 * 1_048_576

/**
 * Opens the log of a data directory: verifies the segments that recovery needs, mends a torn tail, and is
 * ready to append.
 * @throws JOURNAL_DAMAGED naming segment and byte offset, for anything but a torn tail · DISK_FULL · JOURNAL_FAILED
 */
export async function openFileStore(options: FileStoreOptions): Promise<JournalStore> {
  const { fileSystem, clock, segmentBytes = defaultSegmentBytes, ballastBytes = 0, retention, scrub } = options
  const directory = join(options.directory, 'journal')
  const checkpointDirectory = join(options.directory, 'checkpoints')
  const given = places()
  const ballast = ballastBytes === 0 ? noBallast : ballastIn(fileSystem, options.directory, ballastBytes)
  const { tail, index, report, checkpoint, behind, roundSeqs } = await onDisk(async () => {
    for (const each of [options.directory, directory, checkpointDirectory]) await makeDurableDirectory(fileSystem, each)
    if (!(await ballast.make())) throw noRoom(ballastBytes)
    return openLog({ fileSystem, clock, directory, checkpointDirectory, given })
  })
  const indexes = segmentIndexes(fileSystem)
  const damages = damageList()
  const growing = growingSegment({ path: tail.path, bytes: tail.position, index }, indexes.seal)
  const writer = segmentWriter(fileSystem, directory, segmentBytes, tail)
  const blobs = blobStore(fileSystem, join(options.directory, 'blobs'), () => clock.now())
  const appender = logAppender({ clock, given, writer, growing, ballast, blobs })
  const pages = logPages({ fileSystem, directory, growing, indexes, damages, blobs })
  const scrubbing = scrub && scrubber({ fileSystem, clock, directory, damages, policy: scrub })
  let newest: StoredCheckpoint | undefined = checkpoint
  let rounds = roundSeqs
  let retiring: Promise<void> = Promise.resolve()

  /** Recovery may need all behind the older of two rounds; with one alone, everything. */
  const retireOld = (): Promise<void> => {
    const neededAfter = rounds[1]
    if (retention === undefined || neededAfter === undefined) return retiring
    // What cannot be removed now is removed after the next round.
    retiring = retiring
      .then(() => retire({ fileSystem, directory, neededAfter, retention, now: clock.now() }))
      .catch(() => undefined)
    return retiring
  }

  return {
    report,
    failed: appender.failed,
    get lastSeq() {
      return appender.lastSeq
    },
    get durableSeq() {
      return appender.durableSeq
    },
    append: appender.append,
    space: appender.space,
    durable: appender.durable,
    onFlush: appender.onFlush,
    replay: (after, visit) => replayLog({ fileSystem, directory, growing, blobs, known: behind }, after, visit),
    page: pages.page,
    tail: pages.tail,
    onDamage: damages.listen,
    bodies: {
      processes: () => onDisk(blobs.processes),
      sweep: (sweep) => onDisk(() => blobs.sweep(sweep, () => appender.durable(given.lastSeq))),
    },
    async saveCheckpoint(round: Checkpoint) {
      // Places may be newer than the round: what lies between is durable first, and learned again at the next start.
      const stored = { ...round, places: given.dump(), until: given.lastSeq }
      await appender.durable(given.lastSeq)
      await onDisk(() => saveCheckpoint(fileSystem, checkpointDirectory, stored))
      newest = stored
      rounds = [stored.seq, ...rounds.filter((seq) => seq < stored.seq)].slice(0, 2)
      await retireOld()
    },
    async loadCheckpoint(before = Number.POSITIVE_INFINITY) {
      if (newest === undefined || newest.seq < before) return newest
      return (await onDisk(() => loadCheckpoints(fileSystem, checkpointDirectory))).find(({ seq }) => seq < before)
    },
    async close() {
      await Promise.all([appender.close(), scrubbing?.close()])
      await writer.close()
      await retiring
      await blobs.close()
      await indexes.idle()
    },
  }
}

const noRoom = (bytes: number): NodeJS.ErrnoException =>
  Object.assign(new Error(`ENOSPC: no room for a ballast of ${bytes} bytes and as much again`), { code: 'ENOSPC' })
