import type { Bundle, Clock, Timer } from '@vigil/protocol'
import type { Cell } from './cell.ts'

/** Cells and threads that stand ready, so that a wake does not wait for one to start. */
export interface SpareCells {
  /** One that stands ready; undefined: none does. Another is started in its place. */
  take(): Cell | undefined
  /** A thread is to stand ready in this cell, too. */
  warm(cell: Cell, capacity: number): void
  close(): void
}

export interface SpareCellsParts {
  readonly clock: Clock
  readonly start: () => Cell
  readonly count?: number
  readonly runtime?: Bundle
}

/** Whoever was just given a spare needs the machine more than its successor does. */
const quietMs = 50
/** One that died before anybody needed it: whatever ended it may end the next, too. */
const afterDeathMs = 1_000

export function spareCells({ clock, start, count = 0, runtime }: SpareCellsParts): SpareCells {
  const ready = new Set<Cell>()
  const toWarm = new Map<Cell, number>()
  let closed = false
  let timer: Timer | undefined

  const fill = (): void => {
    timer = undefined
    if (closed || runtime === undefined) return
    for (const [cell, capacity] of toWarm) if (cell.takes(capacity)) cell.warm(runtime)
    toWarm.clear()
    if (ready.size >= count) return
    const cell = start()
    cell.warm(runtime)
    ready.add(cell)
    void cell.gone.then(() => {
      if (ready.delete(cell)) fillSoon(afterDeathMs)
    })
    fillSoon()
  }
  /** One after the other, and only when nobody was given one for a moment. */
  const fillSoon = (ms = quietMs): void => {
    if (closed || runtime === undefined || count === 0) return
    timer?.cancel()
    timer = clock.setTimer(ms, fill)
  }
  fillSoon()

  return {
    take() {
      fillSoon()
      for (const cell of ready) {
        ready.delete(cell)
        if (cell.takes(1)) return cell
      }
      return undefined
    },
    warm(cell, capacity) {
      toWarm.set(cell, capacity)
      fillSoon()
    },
    close() {
      closed = true
      timer?.cancel()
    },
  }
}
