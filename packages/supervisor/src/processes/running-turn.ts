import type { Clock, GuestMessage, Timer } from '@vigil/protocol'
import { type RunningTimeOptions, runningTime } from './running-time.ts'

/** How a turn is given to a life. */
export interface GivenTurn {
  readonly crashed: boolean
  /** The guest hears of it when this has resolved. */
  readonly when?: Promise<void> | undefined
}

/** One attempt of a turn as a life works on it: what it waits for, how long it has run, what it knows of the state. */
export interface RunningTurn {
  readonly crashed: boolean
  /** Calls that are not answered. */
  readonly open: number
  /** It has calls open, all of them wait for time or for somebody, and nothing else may wake it. */
  readonly isWaiting: boolean
  /**
   * What its attempt has run, for the life that goes on with it. Nothing when the guest did not answer that its time is up: then a
   * crash ends this life, and the next begins the time anew.
   */
  readonly ranMs: number
  /** Core has asked the guest to give it up. */
  readonly isExpired: boolean
  /** What it was told of keys that others committed after its snapshot, and how often. */
  readonly seen: Map<string, unknown>
  rounds: number
  /** By key its open calls that wait for people. */
  readonly asking: Map<string, Call>
  /** People have to approve a call that is worked on: until they have spoken it waits, and has not begun. */
  asks(call: Call): void
  /** They have; false when the call was let go meanwhile. */
  heard(call: Call): boolean
  /** Keys of work that is to begin only once and has asked for leave: what became of it only this guest can tell. */
  readonly begun: Set<string>
  /** It has opened a channel: what comes over it may set it to work at any time, and is on no record. */
  readonly listens: boolean
  listen(): void
  called(): void
  /** A call is worked on that `waits` for something else than work. */
  taken(waits: boolean): void
  answered(waits: boolean): void
  /** Its calls are not answered, and a turn that stands there does not run. */
  hold(isHeld: boolean): void
  /** From now on only the guest's answer counts: without one, `lost` is called after `graceMs`. */
  expire(graceMs: number, lost: () => void): void
  end(): void
}

interface Parts extends RunningTimeOptions {
  readonly clock: Clock
  readonly crashed: boolean
  readonly isHeld: boolean
  /** For a while all that it did was wait for people, and a replay could go on from there. */
  readonly lulled: () => void
}

type Call = Extract<GuestMessage, { t: 'call' }>

/** A wait this long is worth a thread and a replay. */
const lullMs = 2_000

/** Only running time counts: while all that the turn does is wait, its clock stands. */
export function runningTurn({ clock, crashed, isHeld, lulled, ...timing }: Parts): RunningTurn {
  const time = runningTime(clock, timing)
  let open = 0
  let waiting = 0
  let held = isHeld
  let isExpired = false
  let listens = false
  let grace: Timer | undefined
  let lull: Timer | undefined
  const asking = new Map<string, Call>()
  const begun = new Set<string>()

  const isWaiting = (): boolean => open > 0 && open === waiting && !listens
  const measure = (): void => {
    time.runs(!held && !isWaiting())
    lull?.cancel()
    lull = undefined
    // What was asked before it was held may wait on; a call that is held is one that nobody has heard.
    if (isWaiting() && open === asking.size && begun.size === 0) lull = clock.setTimer(lullMs, lulled)
  }

  measure()
  return {
    crashed,
    seen: new Map(),
    rounds: 0,
    asking,
    begun,
    get open() {
      return open
    },
    get isWaiting() {
      return isWaiting()
    },
    get ranMs() {
      return isExpired ? 0 : time.ranMs
    },
    get isExpired() {
      return isExpired
    },
    get listens() {
      return listens
    },
    listen() {
      listens = true
      measure()
    },
    called() {
      open += 1
      measure()
    },
    asks(call) {
      asking.set(call.key, call)
      begun.delete(call.key)
      waiting += 1
      measure()
    },
    heard(call) {
      if (asking.get(call.key) !== call) return false
      asking.delete(call.key)
      waiting -= 1
      measure()
      return true
    },
    taken(waits) {
      if (waits) waiting += 1
      measure()
    },
    answered(waits) {
      open -= 1
      if (waits) waiting -= 1
      measure()
    },
    hold(is) {
      held = is
      measure()
    },
    expire(graceMs, lost) {
      isExpired = true
      time.close()
      lull?.cancel()
      grace = clock.setTimer(graceMs, lost)
    },
    end() {
      time.close()
      grace?.cancel()
      lull?.cancel()
    },
  }
}
