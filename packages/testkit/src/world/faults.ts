import { type FaultPoint, faultPoints, type JournalRecord, type RecordType } from '@vigil/protocol'

/**
 * Faults are data: what happens, and when. A plan can be printed, repeated and shrunk. Every fault here has to be
 * survived: nothing acknowledged is lost, nothing is done twice that may not be.
 */
export interface Fault {
  readonly does: FaultAction
  readonly when: FaultMoment
}

export type FaultAction =
  | { readonly kind: 'crash' | 'hang' | 'leak' | 'forge' | 'zombie'; readonly agent: string }
  | { readonly kind: 'slow'; readonly agent: string; readonly ms: number }
  /** SIGKILL to ring 0: the page cache stays. */
  | { readonly kind: 'kill' }
  /** The machine loses power: of what was not synced, the sectors whose bit in `kept` is 1 survive, in turn. */
  | { readonly kind: 'power_cut'; readonly kept: number }
  /** For a while, a minute if nothing is said, the disk has no room but `room` bytes: ring 0 takes nothing new, and lives on. */
  | { readonly kind: 'disk_full'; readonly room?: number; readonly forMs?: number }
  /** The next sync fails with EIO, and the journal stops at once. */
  | { readonly kind: 'disk_error' }
  /** For a while, a minute if nothing is said, no sync succeeds: ring 0 ends, and cannot come back before. */
  | { readonly kind: 'disk_dead'; readonly forMs?: number }
  /** Each sync takes so much longer for a while. */
  | { readonly kind: 'slow_disk'; readonly ms: number; readonly forMs?: number }
  /** For a while requests are refused, answered with 500, or done without an answer ever coming back. */
  | { readonly kind: 'http_refused' | 'http_500' | 'http_lost_answer'; readonly forMs?: number }
  /** The wall clock is set. */
  | { readonly kind: 'clock_step'; readonly ms: number }

export type FaultKind = FaultAction['kind']

/** Every kind, for who wants to see that each has happened. */
export const faultKinds: readonly FaultKind[] = [
  'crash',
  'hang',
  'leak',
  'forge',
  'zombie',
  'slow',
  'kill',
  'power_cut',
  'disk_full',
  'disk_error',
  'disk_dead',
  'slow_disk',
  'http_refused',
  'http_500',
  'http_lost_answer',
  'clock_step',
]

export type FaultMoment =
  /** Milliseconds after the world began. */
  | { readonly at: number }
  /** When the nth record of a type is durable. */
  | { readonly after: RecordType; readonly nth: number }
  /** Before the nth operation on the disk that ring 0 makes. */
  | { readonly at_operation: number }
  /** When ring 0 passes a named place for the nth time. */
  | { readonly at_point: FaultPoint; readonly nth: number }

interface Doing {
  /** Before the nth operation on the disk. */
  atOperation(nth: number): Fault
  /** Milliseconds after the world began. */
  at(ms: number): Fault
  /** When the nth record of a type is durable, or at the nth passing of a fault point. */
  after(moment: RecordType | FaultPoint, nth?: number): Fault
}

interface Lasting extends Doing {
  /** From and to, milliseconds after the world began; the other moments begin a minute. */
  between(from: number, to: number): Fault
}

const lasting = (does: Extract<FaultAction, { forMs?: number }>): Lasting => ({
  ...doing(does),
  between: (from, to) => ({ does: { ...does, forMs: to - from }, when: { at: from } }),
})

const doing = (does: FaultAction): Doing => ({
  at: (ms) => ({ does, when: { at: ms } }),
  atOperation: (count) => ({ does, when: { at_operation: count } }),
  after: (moment, nth = 1) => ({
    does,
    when: isFaultPoint(moment) ? { at_point: moment, nth } : { after: moment as RecordType, nth },
  }),
})

const isFaultPoint = (moment: string): moment is FaultPoint => moment in faultPoints

/** For the look of a plan: `crash(agent('a')).after('effect.intended', nth(2))`. */
export const agent = (name: string): string => name
export const nth = (count: number): number => count

export const crash = (name: string): Doing => doing({ kind: 'crash', agent: name })
export const hang = (name: string): Doing => doing({ kind: 'hang', agent: name })
export const leak = (name: string): Doing => doing({ kind: 'leak', agent: name })
export const forge = (name: string): Doing => doing({ kind: 'forge', agent: name })
export const zombie = (name: string): Doing => doing({ kind: 'zombie', agent: name })
export const slow = (name: string, ms: number): Doing => doing({ kind: 'slow', agent: name, ms })
export const ring0 = {
  kill: doing({ kind: 'kill' }),
  cutPower: (kept = 0): Doing => doing({ kind: 'power_cut', kept }),
}
export const disk = {
  full: (room = 0): Lasting => lasting({ kind: 'disk_full', room }),
  error: (): Doing => doing({ kind: 'disk_error' }),
  dead: (): Lasting => lasting({ kind: 'disk_dead' }),
  slow: (ms: number): Lasting => lasting({ kind: 'slow_disk', ms }),
}
export const http = {
  refuse: (): Lasting => lasting({ kind: 'http_refused' }),
  fail: (): Lasting => lasting({ kind: 'http_500' }),
  loseAnswers: (): Lasting => lasting({ kind: 'http_lost_answer' }),
}
export const stepClock = (ms: number): Doing => doing({ kind: 'clock_step', ms })

/** Watches for the moments of a plan; each fault happens once. */
export interface FaultWatch {
  recorded(record: JournalRecord): void
  passed(point: FaultPoint): void
  operated(): void
  /** Kinds that have happened, and how often. */
  readonly happened: ReadonlyMap<FaultKind, number>
  /** Places at which one has happened: record types and fault points. */
  readonly places: ReadonlySet<string>
  /** How many have happened. */
  readonly count: number
  /** One more fault: its moment is counted from now. */
  add(fault: Fault): void
  /** Lets one happen whose moment has not come; false when there is none. */
  force(): boolean
  /** Faults whose moment has not come. */
  readonly waiting: number
  /** Those of them that come by the clock. */
  readonly timed: number
}

export function watchFor(
  plan: readonly Fault[],
  { act, after }: { readonly act: (does: FaultAction) => void; readonly after: (ms: number, act: () => void) => void },
): FaultWatch {
  const waiting = new Set<Fault>()
  let planned = 0
  const counts = new Map<string, number>()
  const happened = new Map<FaultKind, number>()
  const places = new Set<string>()
  const happen = (fault: Fault): void => {
    if (!waiting.delete(fault)) return
    happened.set(fault.does.kind, (happened.get(fault.does.kind) ?? 0) + 1)
    act(fault.does)
  }
  const count = (place: string, fits: (when: FaultMoment, nth: number) => boolean): void => {
    const passed = (counts.get(place) ?? 0) + 1
    counts.set(place, passed)
    for (const fault of [...waiting]) {
      if (!fits(fault.when, passed)) continue
      places.add(place)
      happen(fault)
    }
  }
  const expect = (fault: Fault): void => {
    waiting.add(fault)
    planned += 1
    if ('at' in fault.when) after(fault.when.at, () => happen(fault))
  }
  for (const fault of plan) expect(fault)
  return {
    add: ({ does, when }) => expect({ does, when: fromNow(when, (place) => counts.get(place) ?? 0) }),
    recorded: ({ type }) =>
      count(type, (when, passed) => 'after' in when && when.after === type && when.nth === passed),
    passed: (point) =>
      count(point, (when, passed) => 'at_point' in when && when.at_point === point && when.nth === passed),
    operated: () => count('operation', (when, passed) => 'at_operation' in when && when.at_operation === passed),
    happened,
    places,
    get count() {
      return planned - waiting.size
    },
    force() {
      const [fault] = waiting
      if (fault !== undefined) happen(fault)
      return fault !== undefined
    },
    get waiting() {
      return waiting.size
    },
    get timed() {
      return [...waiting].filter(({ when }) => 'at' in when).length
    },
  }
}

/** The same moment, for a watch that has counted since its beginning. */
function fromNow(when: FaultMoment, passed: (place: string) => number): FaultMoment {
  if ('at' in when) return when
  if ('after' in when) return { after: when.after, nth: when.nth + passed(when.after) }
  if ('at_point' in when) return { at_point: when.at_point, nth: when.nth + passed(when.at_point) }
  return { at_operation: when.at_operation + passed('operation') }
}
