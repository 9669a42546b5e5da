import type { RecordedEffect } from '@vigil/protocol'

/**
 * Gives a turn its outcomes in the order in which they were recorded, so that whatever the code decides by which of
 * two came first, it decides again. One outcome per turn of the event loop: what it sets free runs to its end before
 * the next. Live replies come after everything recorded. The clock of the turn moves with the outcomes.
 */
export interface OutcomeOrder {
  /** Takes the recorded outcome of the key, to be delivered when its time has come; undefined when there is none. */
  ask(key: string, deliver: (effect: RecordedEffect) => void): RecordedEffect | undefined
  /** Outcomes inside a step that is answered from the record: nobody will ask for them. */
  cover(prefix: string): void
  /** A call went out: the code is still moving. */
  called(): void
  /** A reply came in. Without `at` it moves no clock: it is not recorded and comes at another time after a crash. */
  reply(at: string | undefined, deliver: () => void): void
  /** Milliseconds since 1970. */
  now(): number
  /** Recorded outcomes are left that the turn has not been given. */
  readonly replaying: boolean
  unasked(): string[]
  /** Delivers nothing more. */
  close(): void
}

/** Loop turns without a call after which the code is taken to wait for what it has asked for. */
const quietTurns = 3

interface Entry {
  readonly effect: RecordedEffect
  state: 'unasked' | 'waiting' | 'done'
  deliver: (effect: RecordedEffect) => void
}

export function outcomeOrder(startedAt: string, recorded: readonly RecordedEffect[], afterLoopTurn: (run: () => void) => void): OutcomeOrder {
  const entries = recorded.map((effect): Entry => ({ effect, state: 'unasked', deliver: () => undefined }))
  const byKey = new Map(entries.map((entry) => [entry.effect.key, entry]))
  const inside = nested(entries)
  const live: { readonly at: string | undefined; readonly deliver: () => void }[] = []
  let clock = Date.parse(startedAt)
  let head = 0
  let waiting = 0
  let quiet = 0
  let scheduled = false
  let closed = false

  const moveClock = (at: string | undefined): void => {
    // Monotone: outcomes that were released out of their order, or a stepped wall clock, never turn it back.
    if (at !== undefined) clock = Math.max(clock, Date.parse(at) || 0)
  }

  const skipDone = (): void => {
    for (let entry = entries[head]; entry?.state === 'done'; entry = entries[head]) {
      moveClock(entry.effect.at)
      head += 1
    }
  }

  const schedule = (): void => {
    if (scheduled || closed) return
    scheduled = true
    afterLoopTurn(tick)
  }

  const release = (entry: Entry): void => {
    waiting -= 1
    entry.state = 'done'
    moveClock(entry.effect.at)
    skipDone()
    entry.deliver(entry.effect)
  }

  const releaseLive = (): void => {
    const reply = live.shift()
    moveClock(reply?.at)
    reply?.deliver()
  }

  const tick = (): void => {
    scheduled = false
    if (closed) return
    skipDone()
    const next = entries[head]
    quiet += 1
    if (next?.state === 'waiting') {
      quiet = 0
      release(next)
    } else if (next === undefined) releaseLive()
    else if (quiet >= quietTurns) {
      // The recorded outcome at the head is not being asked for: this attempt goes another way, or a timer of its
      // own is in between. Waiting longer could be waiting for ever.
      quiet = 0
      const lowest = waiting > 0 ? entries.find((entry) => entry.state === 'waiting') : undefined
      if (lowest !== undefined) release(lowest)
      else releaseLive()
    }
    if (waiting > 0 || live.length > 0) schedule()
  }

  return {
    ask(key, deliver) {
      quiet = 0
      const entry = byKey.get(key)
      if (entry === undefined || entry.state !== 'unasked') return undefined
      entry.state = 'waiting'
      entry.deliver = deliver
      waiting += 1
      schedule()
      return entry.effect
    },
    cover(prefix) {
      for (const entry of inside.get(prefix) ?? []) if (entry.state === 'unasked') entry.state = 'done'
    },
    called() {
      quiet = 0
    },
    reply(at, deliver) {
      if (closed) return
      live.push({ at, deliver })
      skipDone()
      if (head === entries.length && live.length === 1 && !scheduled) releaseLive()
      else schedule()
    },
    now: () => clock,
    get replaying() {
      skipDone()
      return head < entries.length
    },
    unasked: () => entries.filter((entry) => entry.state === 'unasked').map((entry) => entry.effect.key),
    close() {
      closed = true
    },
  }
}

/** For each step the outcomes inside it, at any depth. */
function nested(entries: readonly Entry[]): Map<string, Entry[]> {
  const inside = new Map<string, Entry[]>()
  for (const entry of entries) {
    const { key } = entry.effect
    for (let end = key.indexOf('/'); end !== -1; end = key.indexOf('/', end + 1)) {
      const prefix = key.slice(0, end + 1)
      const within = inside.get(prefix)
      if (within === undefined) inside.set(prefix, [entry])
      else within.push(entry)
    }
  }
  return inside
}
