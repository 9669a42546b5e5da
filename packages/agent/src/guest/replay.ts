import type { RecordedEffect } from '@vigil/protocol'

/**
 * The past of a turn. A call whose key was recorded is answered from here, and outcomes come back in the order in which
 * they were recorded, one per turn of the event loop, so that `Promise.race` decides as it did. A call therefore waits
 * until every earlier outcome was given; code that no longer asks for one of them is not waited for: when the loop has
 * turned `patience` times without a new call, the earliest that was asked for is given. Live replies come after all that
 * was recorded. The turn's clock moves with what is given, also past outcomes inside a step that is not run again.
 */
export interface Replay {
  /** The recorded effect for a key, given in its turn; undefined when nothing was recorded. */
  ask(key: string): Promise<RecordedEffect> | undefined
  /** The step was answered from the record: nobody will ask for what is recorded inside it. */
  cover(stepKey: string): void
  /** A call went out: the code still moves. */
  called(): void
  /** Resolves when it is the turn of a live reply. Without `at` it moves no clock. */
  arrived(at: string | undefined): Promise<void>
  /** Milliseconds of the latest outcome that was given; it never goes back. */
  now(): number
  /** True while outcomes of the past are still to be given: logs are silent. */
  readonly replaying: boolean
  /** Keys that nobody asked for. */
  unasked(): string[]
}

const patience = 3

interface Entry {
  readonly effect: RecordedEffect
  state: 'unasked' | 'waiting' | 'done'
  give: (effect: RecordedEffect) => void
}

export function replayOf(
  startedAtMs: number,
  recorded: readonly RecordedEffect[],
  nextMacrotask: (act: () => void) => void,
): Replay {
  const entries = recorded.map((effect): Entry => ({ effect, state: 'unasked', give: () => undefined }))
  const byKey = new Map(entries.map((entry) => [entry.effect.key, entry]))
  const insideOf = nested(entries)
  const live: { readonly at: string | undefined; readonly give: () => void }[] = []
  let nowMs = startedAtMs
  let head = 0
  let waiting = 0
  let quietTurns = 0
  let ticking = false

  const timeOf = ({ at, outcome }: RecordedEffect): string | undefined => (outcome === 'begun' ? undefined : at)

  const see = (at: string | undefined): void => {
    if (at !== undefined) nowMs = Math.max(nowMs, Date.parse(at) || 0)
  }

  const passDone = (): void => {
    for (let entry = entries[head]; entry?.state === 'done'; entry = entries[head]) {
      see(timeOf(entry.effect))
      head += 1
    }
  }

  const give = (entry: Entry): void => {
    entry.state = 'done'
    waiting -= 1
    quietTurns = 0
    see(timeOf(entry.effect))
    entry.give(entry.effect)
  }

  const giveLive = (): void => {
    const reply = live.shift()
    see(reply?.at)
    reply?.give()
  }

  const tick = (): void => {
    ticking = false
    passDone()
    const first = entries[head]
    quietTurns += 1
    if (first === undefined) giveLive()
    else if (first.state === 'waiting') give(first)
    else if (quietTurns >= patience) {
      const earliest = waiting === 0 ? undefined : entries.find((entry) => entry.state === 'waiting')
      quietTurns = 0
      if (earliest === undefined) giveLive()
      else give(earliest)
    }
    if (waiting > 0 || live.length > 0) arm()
  }

  const arm = (): void => {
    if (ticking) return
    ticking = true
    nextMacrotask(tick)
  }

  return {
    ask(key) {
      const entry = byKey.get(key)
      quietTurns = 0
      if (entry?.state !== 'unasked') return undefined
      return new Promise((resolve) => {
        entry.state = 'waiting'
        entry.give = resolve
        waiting += 1
        // Not at once: an earlier outcome may be asked for in this very tick.
        arm()
      })
    },
    cover(stepKey) {
      for (const entry of insideOf.get(stepKey) ?? []) if (entry.state === 'unasked') entry.state = 'done'
    },
    called() {
      quietTurns = 0
    },
    arrived(at) {
      passDone()
      return new Promise((resolve) => {
        live.push({ at, give: resolve })
        if (head === entries.length && live.length === 1 && !ticking) giveLive()
        else arm()
      })
    },
    now: () => nowMs,
    get replaying() {
      passDone()
      return head < entries.length
    },
    unasked: () => entries.filter((entry) => entry.state === 'unasked').map((entry) => entry.effect.key),
  }
}

/** For each step the outcomes inside it, at any depth. */
function nested(entries: readonly Entry[]): Map<string, Entry[]> {
  const inside = new Map<string, Entry[]>()
  for (const entry of entries) {
    const { key } = entry.effect
    for (let end = key.indexOf('/'); end !== -1; end = key.indexOf('/', end + 1)) {
      const step = key.slice(0, end)
      const within = inside.get(step)
      if (within === undefined) inside.set(step, [entry])
      else within.push(entry)
    }
  }
  return inside
}
