/** One life's place among those that the machine has room for, from its wish to begin until it is over. */
export interface Stay {
  /** It has begun: another may. */
  started(): void
  /** It has nothing to do; `rest` is called when somebody else needs the room. */
  idle(rest: () => void): void
  busy(): void
  /** It is over, or will never be. */
  left(): void
}

/**
 * Who may begin a life, and when: so many at a time begin, so many at all are there, and the others wait in the order in which they
 * asked. A process has one wish at most, so nobody waits longer than all others take once.
 */
export interface WakeAdmission {
  /** Calls `go` as soon as there is room, maybe at once. */
  enter(go: () => void): Stay
  /** From now on nobody begins, until `release`. */
  hold(): void
  release(): void
  readonly waiting: number
}

export interface WakeAdmissionLimits {
  /** Lives that may begin at a time: more would only take the processor from each other. */
  readonly starting: number
  /** Lives that may be there at a time. */
  readonly resident: number
}

interface Place extends Stay {
  rest: (() => void) | undefined
}

export function wakeAdmission({ starting, resident }: WakeAdmissionLimits): WakeAdmission {
  const queue = new Map<Place, () => void>()
  const beginning = new Set<Place>()
  const there = new Set<Place>()
  /** The longest idle first. */
  const idle = new Set<Place>()
  /** Asked to rest; room is coming. */
  const resting = new Set<Place>()

  const makeRoom = (): void => {
    const wanted = Math.min(queue.size, starting) - (resident - there.size) - resting.size
    for (const place of [...idle].slice(0, Math.max(0, wanted))) {
      idle.delete(place)
      resting.add(place)
      place.rest?.()
    }
  }

  let held = false
  const admit = (): void => {
    if (held) return
    for (const [place, go] of queue) {
      if (beginning.size >= starting || there.size >= resident) break
      queue.delete(place)
      beginning.add(place)
      there.add(place)
      go()
    }
    if (queue.size > 0) makeRoom()
  }

  return {
    get waiting() {
      return queue.size
    },
    hold() {
      held = true
    },
    release() {
      held = false
      admit()
    },
    enter(go) {
      const place: Place = {
        rest: undefined,
        started() {
          beginning.delete(place)
          admit()
        },
        idle(rest) {
          if (!there.has(place) || idle.has(place) || resting.has(place)) return
          place.rest = rest
          idle.add(place)
          if (queue.size > 0) makeRoom()
        },
        busy() {
          idle.delete(place)
        },
        left() {
          queue.delete(place)
          for (const set of [beginning, there, idle, resting]) set.delete(place)
          admit()
        },
      }
      queue.set(place, go)
      admit()
      return place
    },
  }
}
