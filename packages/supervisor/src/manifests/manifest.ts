/** The effective manifest in camelCase, every default filled in; paths are absolute, durations milliseconds. */
export interface Manifest {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Absolute path of the module. */
  readonly entrypoint: string
  readonly triggers: readonly Trigger[]
  readonly isolation: 'auto' | 'process'
  readonly memoryMb: number
  readonly maxTurnMs: number
  readonly heartbeatTimeoutMs: number
  readonly concurrency: number
  readonly mailbox: { readonly max: number }
  readonly restartPolicy: 'always' | 'on_failure' | 'never'
  readonly maxRestarts: number
  readonly restartWindowMs: number
  readonly restartBackoffMs: number
  readonly stableAfterMs: number
  readonly maxRestartsWithoutProgress: number
  readonly shutdownTimeoutMs: number
  readonly maxConsecutiveFailures: number
  readonly delivery: {
    readonly maxRetries: number
    readonly retryBackoffMs: number
    readonly retryBackoffMaxMs: number
  }
  readonly context: { readonly initialState: Readonly<Record<string, unknown>>; readonly env: readonly string[] }
  /** Mount name -> absolute path and right. */
  readonly files: Readonly<Record<string, { readonly path: string; readonly mode: 'ro' | 'rw' }>>
  readonly network: { readonly allow: readonly string[] }
}

export type Trigger =
  | { readonly type: 'cron'; readonly cronExpression: string; readonly timezone: string }
  | {
      readonly type: 'file_watch'
      /** Absolute folder. */
      readonly watchPath: string
      readonly watchPatterns: readonly string[]
      readonly events: readonly ('created' | 'modified' | 'deleted')[]
      readonly recursive: boolean
      readonly debounceMs: number
      readonly existing: 'ignore' | 'deliver'
    }
  | { readonly type: 'event'; readonly eventType: string; readonly source?: string }
  | { readonly type: 'message'; readonly from?: string; readonly topic?: string }
