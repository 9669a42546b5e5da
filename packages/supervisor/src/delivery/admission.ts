import type { AcceptedEvent } from '@vigil/protocol'
import type { ProcessFold, TurnFold } from '../fold/process-fold.ts'
import { turnOf } from '../fold/process-fold.ts'

/** What a process that may run should do next. */
export interface Admission {
  /** Open turns that have to go on: cut by a crash or stop, or due for their next attempt. */
  readonly resume: readonly TurnFold[]
  /** Events whose first attempt may begin. */
  readonly begin: readonly AcceptedEvent[]
  /** Milliseconds until the earliest retry that is not due yet. */
  readonly wakeInMs: number | undefined
}

/**
 * FIFO with `concurrency` lanes. An open turn keeps its lane also while it waits for its retry, so what is
 * serial stays serial. `running` are the turns that the present life already works on, `retryInMs` says how long a turn
 * has to wait for its next attempt.
 */
export function admit(
  process: ProcessFold,
  running: ReadonlySet<string>,
  retryInMs: (turn: TurnFold) => number,
): Admission {
  const resume: TurnFold[] = []
  let wakeInMs: number | undefined
  for (const turn of process.turns.values()) {
    if (running.has(turn.turn) || turn.parked !== undefined) continue
    const inMs = retryInMs(turn)
    if (inMs <= 0) resume.push(turn)
    else wakeInMs = Math.min(wakeInMs ?? inMs, inMs)
  }
  // A turn whose start is not folded yet is known to `running` alone.
  let lanes = process.manifest.concurrency - process.turns.size
  const begin: AcceptedEvent[] = []
  for (const event of process.mailbox.values()) {
    if (lanes <= 0) break
    if (process.turns.has(turnOf(event.event_id))) continue
    begin.push(event)
    lanes -= 1
  }
  return { resume, begin, wakeInMs }
}

/** Nothing goes on before a person helps: all that is open waits for one, and nothing may begin beside it. */
export function isAwaiting(process: ProcessFold): boolean {
  const open = [...process.turns.values()]
  if (open.length === 0 || open.some((turn) => turn.parked === undefined)) return false
  return process.manifest.concurrency === 1 || process.mailbox.size === open.length
}
