/** One trigger of a process as people see it; times are ISO strings. */
export interface TriggerStatus {
  readonly id: string
  readonly type: string
  readonly text: string
  /** Who gave it. */
  readonly origin: 'manifest' | 'operator'
  readonly enabled: boolean
  /** It hears what it listens to; else `problem` says why not, as of the last look. */
  readonly armed: boolean
  readonly problem?: string
  readonly nextFire?: string
  /** Events that it took since it is there. */
  readonly accepted: number
  /** Of cron: slots that passed while nobody looked and were folded or not made up, and that met an unfinished one. */
  readonly missed?: number
  readonly skipped?: number
  /** Events that it did not take since the supervisor started, by reason. */
  readonly refused?: { readonly disabled?: number; readonly filter?: number }
  readonly lastEvent?: { readonly at: string; readonly eventId: string }
  /** Since the supervisor started. */
  readonly lastFailure?: { readonly at: string; readonly message: string }
}

/** `off`: the manifest has it, and an operator turned it off. */
export interface Drift {
  readonly path: string
  readonly change: 'added' | 'off'
}
