/** The effective manifest in camelCase, every default filled in; paths are absolute, durations milliseconds. */
export interface Manifest {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Absolute path of the module. */
  readonly entrypoint: string
  readonly triggers: readonly Trigger[]
  readonly isolation: 'auto' | 'process' | 'thread'
  /** Agents of one group may share a cell in the thread tier. */
  readonly trustGroup: string
  /** Start also if the machine cannot give what the tier promises. */
  readonly degrade: boolean
  readonly memoryMb: number
  readonly maxTurnMs: number
  readonly heartbeatTimeoutMs: number
  /** An idle agent gives its thread back after so long; 0: never. */
  readonly hibernateAfterMs: number
  /** Its guest may be given up while it waits for ring 0, and the turn replayed. */
  readonly evictable: boolean
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
  /** Rights past the gate; paths are absolute. */
  readonly permissions: {
    readonly rawNetwork: boolean
    readonly fsRead: readonly string[]
    readonly fsWrite: readonly string[]
    readonly childProcess: boolean
    readonly addons: boolean
  }
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
