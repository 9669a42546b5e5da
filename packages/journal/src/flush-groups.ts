/** What a flush is filled with; `length` counts characters. */
export interface Measured {
  readonly length: number
}

/** Lines that reach the disk together, and the one promise that everybody waits for who appended one of them. */
export interface FlushGroup<Line> {
  readonly lines: Line[]
  /** Of its last record. */
  lastSeq: number
  characters: number
  readonly done: PromiseWithResolvers<void>
}

/** What waits for the disk, in the groups in which it will be written. */
export interface FlushGroups<Line extends Measured> {
  /** Characters of all that is not durable. */
  readonly held: number
  /** The next group gets no more lines: there is nothing to wait for. */
  readonly isFull: boolean
  readonly isEmpty: boolean
  /** `lines`: of one batch, which is never split over two groups; one that is larger than a group travels alone. */
  add(lines: readonly Line[], lastSeq: number): void
  /** The next group, which from now on is being written; undefined when nothing waits. */
  take(): FlushGroup<Line> | undefined
  /** The group that was being written is durable. */
  written(): void
  /** It is not, and its turn comes again. */
  putBack(): void
  /** The group of a record that is not durable. */
  of(seq: number): FlushGroup<Line> | undefined
  all(): readonly FlushGroup<Line>[]
}

/** Small enough that whoever a flush wakes is done within a millisecond or so, and the next group is written meanwhile. */
const mostLines = 256
const mostCharacters = 1_000_000

export function flushGroups<Line extends Measured>(): FlushGroups<Line> {
  let waiting: FlushGroup<Line>[] = []
  let writing: FlushGroup<Line> | undefined
  let held = 0

  const takesMore = (group: FlushGroup<Line>, lines: number, characters: number): boolean =>
    group.lines.length + lines <= mostLines && group.characters + characters <= mostCharacters

  return {
    get held() {
      return held
    },
    get isFull() {
      return waiting.length > 1 || (waiting[0]?.lines.length ?? 0) >= mostLines
    },
    get isEmpty() {
      return waiting.length === 0
    },
    add(lines, lastSeq) {
      let characters = 0
      for (const { length } of lines) characters += length
      let group = waiting.at(-1)
      if (group === undefined || !takesMore(group, lines.length, characters)) {
        group = { lines: [], lastSeq, characters: 0, done: Promise.withResolvers() }
        // Nobody may be waiting when the disk fails.
        group.done.promise.catch(() => undefined)
        waiting.push(group)
      }
      for (const line of lines) group.lines.push(line)
      group.lastSeq = lastSeq
      group.characters += characters
      held += characters
    },
    take() {
      writing = waiting.shift()
      return writing
    },
    written() {
      held -= writing?.characters ?? 0
      writing = undefined
    },
    putBack() {
      if (writing !== undefined) waiting = [writing, ...waiting]
      writing = undefined
    },
    of(seq) {
      // From the end: nearly always it is asked for what was added just now.
      let found: FlushGroup<Line> | undefined
      for (let at = waiting.length - 1; at >= 0; at -= 1) {
        if ((waiting[at] as FlushGroup<Line>).lastSeq < seq) return found
        found = waiting[at]
      }
      return writing !== undefined && writing.lastSeq >= seq ? writing : found
    },
    all: () => (writing === undefined ? waiting : [writing, ...waiting]),
  }
}
