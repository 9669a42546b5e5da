/**
 * The order of waiting timers, shared by the system clock and the virtual one, so that both fire alike:
 * earliest deadline first, equal deadlines in the order in which they were armed. A binary heap in which
 * each entry knows its place: a cancelled timer leaves at once instead of waiting for its deadline, so
 * the heap never holds more than what is really armed.
 */
export interface TimerEntry {
  /** On the monotonic clock, milliseconds. */
  readonly deadline: number
  /** Grows with each entry; breaks ties. */
  readonly order: number
  readonly fire: () => void
  /** Place in the heap; -1 once it has left. */
  place: number
}

export interface TimerHeap {
  readonly size: number
  /** The order that the next entry will get. */
  readonly nextOrder: number
  /** The entry that is due first. */
  first(): TimerEntry | undefined
  add(deadline: number, fire: () => void): TimerEntry
  /** Takes an entry out; one that has left already is fine. */
  remove(entry: TimerEntry): void
  clear(): void
}

const sooner = (a: TimerEntry, b: TimerEntry): boolean =>
  a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order)

export function timerHeap(): TimerHeap {
  const entries: TimerEntry[] = []
  let nextOrder = 0

  const put = (entry: TimerEntry, place: number): void => {
    entries[place] = entry
    entry.place = place
  }

  const rise = (entry: TimerEntry): void => {
    let place = entry.place
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = entries[above] as TimerEntry
      if (!sooner(entry, parent)) break
      put(parent, place)
      place = above
    }
    put(entry, place)
  }

  const sink = (entry: TimerEntry): void => {
    let place = entry.place
    for (;;) {
      const left = entries[2 * place + 1]
      const right = entries[2 * place + 2]
      const child = left !== undefined && right !== undefined && sooner(right, left) ? right : left
      if (child === undefined || !sooner(child, entry)) break
      const below = child.place
      put(child, place)
      place = below
    }
    put(entry, place)
  }

  return {
    get size() {
      return entries.length
    },
    get nextOrder() {
      return nextOrder
    },
    first: () => entries[0],
    add(deadline, fire) {
      const entry: TimerEntry = { deadline, order: nextOrder++, fire, place: entries.length }
      entries.push(entry)
      rise(entry)
      return entry
    },
    remove(entry) {
      if (entry.place < 0) return
      const last = entries.pop() as TimerEntry
      if (last !== entry) {
        put(last, entry.place)
        rise(last)
        sink(last)
      }
      entry.place = -1
    },
    clear() {
      for (const entry of entries) entry.place = -1
      entries.length = 0
    },
  }
}
