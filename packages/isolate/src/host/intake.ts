/** What has arrived of one cell and was not heard yet. */
export interface Backlog {
  /** Hears the oldest; false when there is nothing more. */
  hearOne(): boolean
}

/** Has a backlog heard to its end: at once as far as this turn of the loop has time left, the rest in the turns after it. */
export type Intake = (backlog: Backlog) => void

/** How long what guests say may hold the loop before timers, signals and sockets get their turn, milliseconds. */
const turnMs = 0.5
/** Heard of one cell before the next one's turn: one that talks without end delays no other by more. */
const inOneGo = 32

/**
 * Hears all cells of a process in turns. Without it the loop would hear everything that arrived in one go, and a few cells
 * that never stop talking would delay deadlines and heartbeats of all others by as much as they can say at a time.
 */
export function openIntake(now: () => number): Intake {
  const waiting = new Set<Backlog>()
  /** When this turn of the loop began to listen. */
  let began: number | undefined

  const hasTime = (): boolean => {
    if (began === undefined) {
      began = now()
      setImmediate(() => {
        began = undefined
        listen()
      })
    }
    return now() - began < turnMs
  }

  /** Whether there is more of it. */
  const hear = (backlog: Backlog): boolean => {
    for (let heard = 0; heard < inOneGo; heard += 1) if (!backlog.hearOne()) return false
    return true
  }

  const listen = (): void => {
    const [first] = waiting
    if (first === undefined || !hasTime()) return
    // To the end of the queue.
    waiting.delete(first)
    if (hear(first)) waiting.add(first)
    // What was set off by what was heard counts, too: it runs before this goes on.
    queueMicrotask(listen)
  }

  return (backlog) => {
    const isFirst = waiting.size === 0
    waiting.add(backlog)
    if (isFirst) listen()
  }
}
