import type { Clock, FileSystem, Timer } from '@vigil/protocol'
import type { DamageList } from './damage-list.ts'
import { firstOf, lastOf, segmentsFrom } from './segment-files.ts'
import { readSegment, type SegmentReading } from './segment-reader.ts'

/** How slowly the log is looked through for damage. */
export interface ScrubPolicy {
  /** Milliseconds from one round through all sealed segments to the next, and from the start to the first. */
  readonly everyMs: number
  /** Milliseconds after each piece of 256 KB. */
  readonly pauseMs: number
}

/**
 * Reads every sealed segment again and again, one at a time and slowly: a disk that forgets is found out while there is
 * still a copy somewhere else. Damage is told, and the rest is looked at all the same.
 */
export function scrubber({
  fileSystem,
  clock,
  directory,
  damages,
  policy: { everyMs, pauseMs },
}: {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly directory: string
  readonly damages: DamageList
  readonly policy: ScrubPolicy
}): { close(): Promise<void> } {
  let timer: Timer | undefined
  let wake: (() => void) | undefined
  let closed = false
  let running: Promise<void> = Promise.resolve()

  const pause = async (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    wake = resolve
    if (!closed) timer = clock.setTimer(pauseMs, resolve)
    else resolve()
    await promise
    if (closed) throw new Error('the log is closed')
  }

  const round = async (): Promise<void> => {
    const paths = await segmentsFrom(fileSystem, directory, 0)
    let before: SegmentReading | undefined
    for (const [index, path] of paths.entries()) {
      const lastSeq = lastOf(paths, index)
      if (closed || lastSeq === undefined) return
      before = await look(path, lastSeq, before)
    }
  }

  const look = async (
    path: string,
    lastSeq: number,
    before: SegmentReading | undefined,
  ): Promise<SegmentReading | undefined> => {
    try {
      const reading = await readSegment(fileSystem, path, { after: Number.POSITIVE_INFINITY, pieceRead: pause })
      if (closed) return undefined
      const follows = reading?.first === firstOf(path) && (before === undefined || reading.seed === before.chain)
      const isWhole = follows && reading.lastSeq === lastSeq && reading.goodBytes === reading.badUpTo
      if (!isWhole) damages.found(path, reading?.goodBytes ?? 0)
      return isWhole ? reading : undefined
    } catch (error) {
      // Retention was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && !closed) damages.found(path, 0)
      return undefined
    }
  }

  const arm = (): void => {
    if (closed) return
    timer = clock.setTimer(everyMs, () => {
      running = round()
        .catch(() => undefined)
        .then(arm)
    })
  }
  arm()
  return {
    async close() {
      closed = true
      timer?.cancel()
      wake?.()
      await running
    },
  }
}
