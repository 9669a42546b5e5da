import type {
  AcceptedEvent,
  CellLauncher,
  Clock,
  ExitCause,
  GuestVitals,
  ThrownError,
  ToolDeclaration,
  WriteSet,
} from '@vigil/protocol'
import type { ProcessFold, TurnFold } from '../fold/process-fold.ts'
import type { Credits } from '../gate/credits.ts'
import type { Gate } from '../gate/gate.ts'
import type { GuestNeeds } from './guest-words.ts'
import type { LaneParts } from './life-lanes.ts'
import type { GivenTurn } from './running-turn.ts'

/**
 * One life of a process: its guest, the turns that the guest works on, and the conversation with it. It believes
 * the guest nothing beyond its own turns, and answers no call while it is held (suspended or draining).
 */
export interface Incarnation {
  readonly epoch: number
  readonly bundle: string
  readonly pid: number | undefined
  readonly vitals: GuestVitals | undefined
  readonly ready: boolean
  /** It sits alone although its tier would not ask for it. */
  readonly isQuarantined: boolean
  readonly running: ReadonlySet<string>
  /** What the attempt of a turn that it works on has run so far, milliseconds. */
  ranMs(turn: string): number
  /** Did this life get as far as an outcome or the end of a turn? */
  readonly progressed: boolean
  readonly startedAtMs: number
  begin(turn: TurnFold, event: AcceptedEvent, given: GivenTurn): void
  /** Core has ended this turn: aborts its signal, and what it still does comes to nothing. */
  cancel(turn: string, reason: string): void
  /** Stops answering calls: open turns halt at their next step. */
  hold(): void
  release(): void
  /** True when every open turn stands at a step boundary and ring 0 works on none of its effects. */
  atBoundary(): boolean
  /** All that its turns do is wait for ring 0, or some for people, as far as can be seen from here, and a replay could go on from there. */
  readonly waitsFor: 'ring0' | 'people' | undefined
  /** Committed state changed: the guest hears of these keys with its next turn. */
  stateChanged(keys: readonly string[]): void
  stop(graceMs: number): void
  kill(cause: ExitCause): void
}

export interface IncarnationListener {
  /** It is up, and its module has these tools. */
  ready(tools: readonly ToolDeclaration[]): void
  completed(
    turn: string,
    end: {
      readonly result: unknown
      readonly writes: WriteSet
      readonly unasked: readonly string[]
      readonly crashed: boolean
    },
  ): void
  threw(
    turn: string,
    end: { readonly error: ThrownError; readonly unasked: readonly string[]; readonly crashed: boolean },
  ): void
  /** All that it does is wait for people, and nobody here works on it any more. */
  released(turn: string): void
  /** A turn that it worked on waits for a person. */
  parked(): void
  /** So long an attempt has run: to be put on record. */
  ran(turn: string, ms: number): void
  /** A call came or was answered, or a turn ended: whoever drains or rests may look again. */
  moved(): void
  log(line: {
    readonly turn?: string | undefined
    readonly level: 'debug' | 'info' | 'warn' | 'error'
    readonly message: string
    readonly fields?: unknown
  }): void
  exited(cause: ExitCause): void
}

export interface IncarnationParts extends GuestNeeds, LaneParts {
  readonly process: ProcessFold
  readonly cells: CellLauncher
  readonly clock: Clock
  readonly gate: Gate
  readonly credits: Credits
}
