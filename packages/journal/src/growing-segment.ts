import type { Chain, Placed, SegmentIndex } from './segment-index.ts'
import { type SegmentIndexBuilder, segmentIndexBuilder } from './segment-index-builder.ts'

/** The end of the log: the segment that grows, as far as it is on the disk, and where its records stand. */
export interface GrowingSegment {
  readonly end: LogEnd
  /** As it is now, for one process if it is named: who reads it is not disturbed by what is written meanwhile. */
  snapshot(process?: string): SegmentIndex
  /** Lines are on the disk; in a new segment, if `path` is not the one of before. */
  written(lines: WrittenLines, records: readonly Placed[]): void
}

/** Where the durable part of the log ends. */
export interface LogEnd {
  readonly seq: number
  readonly path: string
  readonly bytes: number
}

export interface WrittenLines {
  readonly path: string
  readonly firstSeq: number
  readonly start: number
  /** Where each line ends, counted from `start`. */
  readonly ends: readonly number[]
}

export function growingSegment(
  opened: { readonly path: string; readonly bytes: number; readonly index: SegmentIndexBuilder },
  sealed: (path: string, index: SegmentIndexBuilder) => void,
): GrowingSegment {
  let { path, index } = opened
  let { bytes } = opened
  return {
    get end() {
      return { seq: index.first + index.count - 1, path, bytes }
    },
    snapshot(process) {
      const { first, count, types, current } = index
      const chain = process === undefined ? undefined : copied(index.chainOf(process))
      return {
        first,
        count,
        types,
        bytes,
        chainOf: () => chain,
        mayHold: () => true,
        columns: () => Promise.resolve(current),
      }
    },
    written(lines, records) {
      if (lines.path !== path) {
        sealed(path, index)
        path = lines.path
        index = segmentIndexBuilder(lines.firstSeq)
      }
      let start = lines.start
      for (const [nth, record] of records.entries()) {
        const end = lines.start + (lines.ends[nth] as number)
        index.add(record, start, end)
        start = end
      }
      bytes = start
    },
  }
}

const copied = (chain: Chain | undefined): Chain | undefined => (chain === undefined ? undefined : { ...chain })
