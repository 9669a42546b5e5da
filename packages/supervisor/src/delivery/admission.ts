import { type AcceptedEvent, limits } from '@vigil/protocol'
import type { ProcessFold, TurnFold } from '../fold/process-fold.ts'
import { triggersOf } from '../fold/trigger-layers.ts'
import { waitsForPerson } from '../fold/turn-fold.ts'
import { type Candidate, candidates, firstOfLines } from './candidates.ts'
import { hasKeys, type RulesByTrigger, rulesOf } from './trigger-rules.ts'

/** What a process that may run should do next. */
export interface Admission {
  /** Open turns that have to go on: cut by a crash or stop, or due for their next attempt. */
  readonly resume: readonly TurnFold[]
  /** Turns whose first attempt may begin. */
  readonly begin: readonly Candidate[]
  /** Events whose turn would begin now, and whose time is over. */
  readonly expired: readonly AcceptedEvent[]
  /** Milliseconds until the answer may be another, if nothing happens before. */
  readonly wakeInMs: number | undefined
  /** Some turn would begin now, if the budget had room. */
  readonly lacksBudget?: true
}

/** No timer of the platform waits for the end of a month. */
const longestWaitMs = 24 * 3_600_000

export interface AdmissionMoment {
  /** Turns that the present life already works on. */
  readonly running: ReadonlySet<string>
  /** How long a turn has to wait for its next attempt. */
  readonly retryInMs: (turn: TurnFold) => number
  /** The time of an event that nobody has begun is over. */
  readonly isExpired: (event: AcceptedEvent) => boolean
  /** How long ago an event came. */
  readonly ageMs: (event: AcceptedEvent) => number
  /** Wall time. */
  readonly nowMs: number
  /** Until the budget lets another turn begin; Infinity while nobody knows. */
  readonly budgetInMs: number
}

/**
 * FIFO with lanes: `concurrency` that all share, and one for each value of a `concurrency_key`. An open turn keeps its lane
 * also while it waits for its retry, so what is serial stays serial.
 */
export function admit(
  process: ProcessFold,
  { running, retryInMs, isExpired, ageMs, nowMs, budgetInMs }: AdmissionMoment,
): Admission {
  // It goes on as a whole when the budget has room again.
  if (process.budgetPause !== undefined) return { resume: [], begin: [], expired: [], wakeInMs: undefined }
  let wakeInMs: number | undefined
  const wake = (inMs: number): void => {
    // Whole ones: a rest of a difference can be too short for any clock to move.
    wakeInMs = Math.min(wakeInMs ?? Number.POSITIVE_INFINITY, Math.ceil(inMs))
  }
  const resume: TurnFold[] = []
  for (const turn of process.turns.values()) {
    if (running.has(turn.turn) || waitsForPerson(turn)) continue
    const inMs = retryInMs(turn)
    if (inMs <= 0) resume.push(turn)
    else wake(inMs)
  }
  const rules = rulesOf(triggersOf(process))
  const lanes = lanesOf(process, rules)
  const rates = ratesOf(process, nowMs)
  const begin: Candidate[] = []
  const expired: AcceptedEvent[] = []
  let lacksBudget = false
  // While all lanes are taken thousands may wait, and none of them is looked at.
  const next = lanes.full ? [] : candidates(process, { rules, room: lanes, ageMs })
  for (const candidate of next) {
    if (lanes.full) break
    const { events, inMs } = candidate
    const late = events.filter(isExpired)
    expired.push(...late)
    // What is left of it is looked at again when they are gone.
    if (late.length > 0) continue
    const waitMs = inMs > 0 ? inMs : rates.waitMs(candidate)
    if (waitMs > 0) wake(waitMs)
    else if (budgetInMs > 0) {
      lacksBudget = true
      wake(Math.min(budgetInMs, longestWaitMs))
    } else if (lanes.take(candidate.rules?.lane?.(events[0]))) {
      rates.begun(candidate)
      begin.push(candidate)
    }
  }
  return { resume, begin, expired, wakeInMs, ...(lacksBudget ? { lacksBudget } : {}) }
}

function lanesOf(process: ProcessFold, rules: RulesByTrigger) {
  const { concurrency } = process.manifest
  const isKeyed = hasKeys(rules)
  let shared = concurrency
  const keyed = new Set<string>()
  /** Those of them that no person holds up. */
  let moving = 0
  for (const turn of process.turns.values()) {
    const event = process.mailbox.get(turn.eventId)
    const lane = event === undefined ? undefined : rules.get(event.trigger_id)?.lane?.(event)
    if (lane !== undefined) {
      keyed.add(lane)
      if (!waitsForPerson(turn)) moving += 1
    }
    // Who waits for a person gives a lane back that others share, as long as that breaks no order.
    else if (!waitsForPerson(turn) || concurrency === 1) shared -= 1
  }
  const isFree = (lane: string | undefined): boolean =>
    lane === undefined ? shared > 0 : !keyed.has(lane) && moving < limits.keyedLanes
  return {
    get shared(): boolean {
      return shared > 0
    },
    get keyed(): boolean {
      return isKeyed && moving < limits.keyedLanes
    },
    /** Nothing may begin, whatever it is. */
    get full(): boolean {
      return !this.shared && !this.keyed
    },
    isFree,
    take(lane: string | undefined): boolean {
      if (!isFree(lane)) return false
      if (lane === undefined) shared -= 1
      else {
        keyed.add(lane)
        moving += 1
      }
      return true
    },
  }
}

function ratesOf(process: ProcessFold, nowMs: number) {
  const inThisRound = new Map<string, number>()
  const counted = new Map<string, readonly number[]>()
  // After a step of the clock some may lie ahead: they count for nothing, or nobody could begin for a year.
  const startsOf = (id: string, perMs: number): readonly number[] =>
    counted.getOrInsertComputed(id, () =>
      (process.begun.get(id) ?? []).filter((at) => at > nowMs - perMs && at <= nowMs),
    )
  return {
    /** Until another turn of this trigger may begin. */
    waitMs({ events: [{ trigger_id }], rules }: Candidate): number {
      if (rules?.rate === undefined) return 0
      const { count, perMs } = rules.rate
      const starts = startsOf(trigger_id, perMs)
      const room = count - starts.length - (inThisRound.get(trigger_id) ?? 0)
      if (room > 0) return 0
      const next = starts[-room]
      return next === undefined ? perMs : next + perMs - nowMs
    },
    begun({ events: [{ trigger_id }] }: Candidate): void {
      inThisRound.set(trigger_id, (inThisRound.get(trigger_id) ?? 0) + 1)
    },
  }
}

/** Nothing goes on before a person helps: all that is open waits for one, and nothing may begin beside it. */
export function isAwaiting(process: ProcessFold): boolean {
  const open = [...process.turns.values()]
  if (open.length === 0 || !open.every(waitsForPerson)) return false
  const rules = rulesOf(triggersOf(process))
  const lanes = lanesOf(process, rules)
  if (lanes.full) return true
  return firstOfLines(process, { rules, room: lanes }).every(
    (event) => !lanes.isFree(rules.get(event.trigger_id)?.lane?.(event)),
  )
}
