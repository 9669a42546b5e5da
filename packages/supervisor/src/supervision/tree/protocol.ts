import type { ExitCause } from '@vigil/protocol'
import type { ChildInput, ChildSpec, FlagsInput } from './child-spec.ts'

/**
 * What a supervisor hears and what it wants done. Time comes with every input, as monotonic milliseconds; what it wants
 * done it says, and hears later what became of it. A `ref` names one life of one child: news of a life that is over is
 * dropped.
 */
export type Input =
  /** It is to start its children, once. */
  | { readonly type: 'begin' }
  /** What became of a start. `info` is handed to whoever asked for it. */
  | { readonly type: 'started'; readonly ref: number; readonly info?: unknown }
  | { readonly type: 'ignored'; readonly ref: number }
  | { readonly type: 'failed'; readonly ref: number; readonly cause: ExitCause; readonly chance?: number }
  /** `chance`, in [0, 1), takes up to a quarter from the backoff that follows, so that a fleet does not come back in step. */
  | { readonly type: 'exited'; readonly ref: number; readonly cause: ExitCause; readonly chance?: number }
  | { readonly type: 'elapsed'; readonly timer: number }
  | { readonly type: 'call'; readonly call: number; readonly request: Request }
  /** It is to stop everything and end; `kill` asks nobody, also those that were asked before. */
  | { readonly type: 'end'; readonly how?: 'ask' | 'kill' }

export type Action =
  /** `id` is the name of the child or the instance. */
  | {
      readonly do: 'start'
      readonly ref: number
      readonly id: string
      readonly child: ChildSpec
      readonly args?: unknown
    }
  | { readonly do: 'stop'; readonly ref: number; readonly how: 'ask' | 'kill' }
  /** A child died and will be started again, `ms` after those are stopped that go with it. */
  | { readonly do: 'restarting'; readonly id: string; readonly ms: number }
  | { readonly do: 'arm'; readonly timer: number; readonly ms: number }
  | { readonly do: 'disarm'; readonly timer: number }
  | { readonly do: 'reply'; readonly call: number; readonly reply: Reply }
  | { readonly do: 'report'; readonly report: Report }
  /** Its children run. */
  | { readonly do: 'up' }
  /** It has ended, and nothing of it is left. */
  | { readonly do: 'down'; readonly cause: ExitCause }

export type Request =
  | { readonly ask: 'start_child'; readonly child: ChildInput }
  /** Of a `simple_one_for_one`: one more of its kind. */
  | { readonly ask: 'start_instance'; readonly args?: unknown }
  | { readonly ask: 'restart_child' | 'terminate_child' | 'delete_child'; readonly id: string }
  /** Children that are new are not started, those that are missing are not stopped. */
  | { readonly ask: 'change'; readonly flags?: FlagsInput; readonly children?: readonly ChildInput[] }

export type Refusal =
  | 'already_started'
  | 'already_present'
  | 'running'
  | 'restarting'
  | 'not_found'
  | 'simple_one_for_one'
  | 'not_simple_one_for_one'
  | 'invalid'
  | 'start_failed'
  | 'noproc'

export type Reply =
  | { readonly ok: true; readonly id?: string; readonly ref?: number; readonly info?: unknown }
  | { readonly ok: false; readonly error: Refusal; readonly cause?: ExitCause; readonly message?: string }

/** OTP's four fields: who reports, in which context, why, and about whom. */
export interface Report {
  readonly context: 'child_terminated' | 'start_error' | 'shutdown_error' | 'shutdown'
  readonly reason: ExitCause
  readonly offender: { readonly id: string; readonly ref: number | undefined } & Pick<
    ChildSpec,
    'restart' | 'shutdown' | 'type'
  >
}

export interface ChildRow {
  readonly id: string
  readonly ref: number | 'restarting' | undefined
  readonly type: ChildSpec['type']
}

export interface ChildCounts {
  readonly specs: number
  readonly active: number
  readonly supervisors: number
  readonly workers: number
}
