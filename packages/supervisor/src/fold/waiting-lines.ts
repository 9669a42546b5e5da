import type { AcceptedEvent } from '@vigil/protocol'
import type { ProcessFold } from './process-fold.ts'

/** Names the line of an event: while the first of a line may not begin, none of it may. Undefined: it takes a lane that all share. */
export type LineOf = (event: AcceptedEvent) => string | undefined

/** Which lanes may take one more; asked again after each event. */
export interface Room {
  readonly shared: boolean
  readonly keyed: boolean
}

/**
 * What waits in the mailbox of one process, in lines: who decides what begins looks at the first of each, and not at
 * thousands behind it. A cache beside the fold, which folds keep up to date from the first question on.
 */
export interface WaitingLines {
  /** In order of precedence: all that wait for a lane that others share, and of each line the first. */
  next(room: Room): Generator<AcceptedEvent>
}

interface Lines extends WaitingLines {
  readonly lineOf: LineOf
  came(event: AcceptedEvent): void
  left(eventId: string): void
}

/** An event in its place. High priority goes first, low last, and within each who came first. */
interface Standing {
  readonly event: AcceptedEvent
  readonly rank: number
  readonly order: number
  readonly isKeyed: boolean
  readonly line: Set<Standing>
}

const ranks: readonly AcceptedEvent['priority'][] = ['high', undefined, 'low']

const sooner = (a: Standing, b: Standing): boolean => a.rank < b.rank || (a.rank === b.rank && a.order < b.order)

const known = new WeakMap<ProcessFold, Lines>()

/** `lineOf` is the same function as long as the manifest asks for the same lanes; another makes the lines anew. */
export function waitingLines(process: ProcessFold, lineOf: LineOf): WaitingLines {
  const found = known.get(process)
  if (found?.lineOf === lineOf) return found
  const lines = newLines(lineOf)
  for (const event of waitingEvents(process)) lines.came(event)
  known.set(process, lines)
  return lines
}

/** Events that no open turn has taken, in order of acceptance. */
export function* waitingEvents(process: ProcessFold): Generator<AcceptedEvent> {
  const taken = new Set([...process.turns.values()].flatMap(({ eventIds }) => eventIds))
  for (const event of process.mailbox.values()) if (!taken.has(event.event_id)) yield event
}

/** For the folds: an event waits from now on. */
export const beginsToWait = (process: ProcessFold, event: AcceptedEvent): void => known.get(process)?.came(event)

/** For the folds: a turn has taken these, or they have ended. */
export function waitNoMore(process: ProcessFold, eventIds: readonly string[]): void {
  const lines = known.get(process)
  if (lines !== undefined) for (const id of eventIds) lines.left(id)
}

function newLines(lineOf: LineOf): Lines {
  const standings = new Map<string, Standing>()
  const shared = ranks.map(() => new Set<Standing>())
  const keyed = new Map<string, Set<Standing>>()
  /** The first of each keyed line, in order. */
  const heads: Standing[] = []
  let nextOrder = 0

  const placeOf = (standing: Standing): number => {
    let low = 0
    let high = heads.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (sooner(heads[middle] as Standing, standing)) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    lineOf,
    came(event) {
      const rank = ranks.indexOf(event.priority)
      const name = lineOf(event)
      const isKeyed = name !== undefined
      const line = isKeyed
        ? keyed.getOrInsertComputed(`${rank} ${name}`, () => new Set())
        : (shared[rank] as Set<Standing>)
      const standing = { event, rank, order: nextOrder++, isKeyed, line }
      standings.set(event.event_id, standing)
      line.add(standing)
      if (isKeyed && line.size === 1) heads.splice(placeOf(standing), 0, standing)
    },
    left(eventId) {
      const standing = standings.get(eventId)
      if (standing === undefined) return
      const { event, rank, isKeyed, line } = standing
      standings.delete(eventId)
      line.delete(standing)
      const place = placeOf(standing)
      if (!isKeyed || heads[place] !== standing) return
      heads.splice(place, 1)
      const [head] = line
      if (head === undefined) keyed.delete(`${rank} ${lineOf(event)}`)
      else heads.splice(placeOf(head), 0, head)
    },
    *next(room) {
      const waiting = shared.values().flatMap((line) => line.values())
      let free = waiting.next().value
      let place = 0
      for (;;) {
        const one = room.shared ? free : undefined
        const other = room.keyed ? heads[place] : undefined
        const first = one === undefined || (other !== undefined && sooner(other, one)) ? other : one
        if (first === undefined) return
        if (first === one) free = waiting.next().value
        else place += 1
        yield first.event
      }
    },
  }
}
