import type { RecordedEffect } from '@vigil/protocol'

/**
 * The past of a turn. A call whose key was recorded is answered from here, and outcomes come back in the order in which
 * they were recorded, so that `Promise.race` decides as it did. A call therefore waits until every earlier outcome was
 * given; code that no longer asks for one of them is not waited for: when the loop has turned `patience` times without a
 * new call, the earliest that was asked for is given.
 */
export interface Replay {
  /** The recorded effect for a key, given in its turn; undefined when nothing was recorded. */
  ask(key: string): Promise<RecordedEffect> | undefined
  /** True while outcomes of the past are still to be given: logs are silent. */
  readonly replaying: boolean
  /** Keys that nobody asked for. */
  unasked(): string[]
}

const patience = 3

export function replayOf(recorded: readonly RecordedEffect[], nextMacrotask: (act: () => void) => void): Replay {
  const order = [...recorded]
  const byKey = new Map(recorded.map((effect) => [effect.key, effect]))
  const waiting = new Map<string, (effect: RecordedEffect) => void>()
  const asked = new Set<string>()
  let quietTurns = 0
  let ticking = false

  const give = (key: string): void => {
    const resolve = waiting.get(key)
    const effect = byKey.get(key)
    if (resolve === undefined || effect === undefined) return
    waiting.delete(key)
    order.splice(
      order.findIndex((each) => each.key === key),
      1,
    )
    quietTurns = 0
    resolve(effect)
  }

  const giveInOrder = (): void => {
    const first = order[0]
    if (first !== undefined && waiting.has(first.key)) give(first.key)
  }

  const tick = (): void => {
    ticking = false
    if (waiting.size === 0) return
    giveInOrder()
    quietTurns += 1
    if (quietTurns > patience) {
      const earliest = order.find((effect) => waiting.has(effect.key))
      if (earliest !== undefined) give(earliest.key)
    }
    if (waiting.size > 0) arm()
  }

  const arm = (): void => {
    if (ticking) return
    ticking = true
    nextMacrotask(tick)
  }

  return {
    ask(key) {
      if (!byKey.has(key) || asked.has(key)) return undefined
      asked.add(key)
      quietTurns = 0
      return new Promise((resolve) => {
        waiting.set(key, resolve)
        // Not at once: an earlier outcome may be asked for in this very tick.
        arm()
      })
    },
    get replaying() {
      return asked.size < byKey.size || waiting.size > 0
    },
    unasked: () => recorded.filter((effect) => !asked.has(effect.key)).map((effect) => effect.key),
  }
}
