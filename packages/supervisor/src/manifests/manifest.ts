import type { SimRule, Thinking } from '@vigil/protocol'
import type { AgentBudget } from '../ledger/agent-budget.ts'
import type { NoticeTarget, SecretReference } from './notice-target.ts'

export type { NoticeTarget, SecretReference } from './notice-target.ts'

/** The effective manifest in camelCase, every default filled in; paths are absolute, durations milliseconds. */
export interface Manifest {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Absolute path of the module; absent: the model runs alone. */
  readonly entrypoint?: string
  /** What it thinks with; absent: it does not. */
  readonly thinking?: Thinking & {
    /** What sim:rules or sim:script says. */
    readonly sim?: readonly SimRule[]
  }
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
  /** Absent in what was deployed before there was one: then it is the default. */
  readonly budget?: AgentBudget
  /** Absent in what was deployed before there was a choice. */
  readonly journal?: {
    /** `hash`: of bodies over 4 KB nothing but the hash stays when no event and no turn needs them. */
    readonly bodies: 'keep' | 'hash'
    readonly bodiesRetentionMs: number
  }
  readonly context: {
    readonly initialState: Readonly<Record<string, unknown>>
    /** The only state keys that the agent may write; empty: all. */
    readonly writableKeys: readonly string[]
    readonly env: readonly string[]
  }
  /** Mount name -> absolute path and right. */
  readonly files: Readonly<Record<string, { readonly path: string; readonly mode: 'ro' | 'rw' }>>
  /** Glob over the names of tools -> policy; of all that match the strictest counts. Absent in what was deployed before there were tools. */
  readonly tools?: Readonly<Record<string, ToolPolicy>>
  /** Absent in what was deployed before there were any. */
  readonly secrets?: Readonly<Record<string, AgentSecret>>
  /** MCP servers by name. Absent in what was deployed before there were any. */
  readonly servers?: Readonly<Record<string, ToolServer>>
  readonly network: { readonly allow: readonly string[] }
  readonly approval?: {
    /** Globs of tools that need an approval, whatever their input; absent: none. */
    readonly tools?: readonly string[]
    /** Where the code says nothing else. */
    readonly timeoutMs: number
    readonly onTimeout: 'deny' | 'approve' | 'escalate'
    /** Names of tokens: nobody else may decide. Empty: every operator. */
    readonly approvers: readonly string[]
    readonly notify?: NoticeTarget
  }
  /** Absent: it remembers nothing beside its state. */
  readonly memory?: {
    /** Entries that a search gives, and the least score of each. */
    readonly max: number
    readonly minScore: number
    /** All that name it see one memory; absent: its own. */
    readonly share?: string
    /** What its thinking turns come to is stored. */
    readonly autoStore?: true
    /** Canonical id of the model that makes vectors; absent: entries are found by their words alone. */
    readonly embeddings?: string
  }
  /** Rights past the gate; paths are absolute. */
  readonly permissions: {
    readonly rawNetwork: boolean
    readonly fsRead: readonly string[]
    readonly fsWrite: readonly string[]
    readonly childProcess: boolean
    readonly addons: boolean
  }
}

/** References in headers and env stay references: what they stand for is looked up when it connects. */
export type ToolServer = {
  /** Globs over its tools; absent: all. */
  readonly tools?: readonly string[]
} & (
  | { readonly url: string; readonly headers: Readonly<Record<string, string>> }
  | {
      readonly command: string
      readonly args: readonly string[]
      readonly env: Readonly<Record<string, string>>
      /** Where the program stands: the folder of the manifest. */
      readonly directory: string
    }
)

/** What is absent is not asked for. */
export interface ToolPolicy {
  /** Only ever false: it may not be called. */
  readonly allowed?: false
  /** Of every call, or of those whose input fits the filter. */
  readonly needsApproval?: true | string
  readonly irreversible?: true
  /** US dollars a call. */
  readonly cost?: number
  readonly timeoutMs?: number
  readonly maxPerTurn?: number
}

/** What every kind of trigger may have; what is absent is not asked for. */
export interface TriggerOptions {
  /** Only ever false: it listens to nothing and takes nothing. */
  readonly enabled?: false
  /** Over payload, metadata, type and ids; what does not fit is not taken. */
  readonly filter?: string
  /** So many turns begin within any span of so long; the others wait. */
  readonly rateLimit?: { readonly count: number; readonly perMs: number }
  /** One turn takes up to `max` events, `withinMs` after the first of them at the latest. */
  readonly batch?: { readonly max: number; readonly withinMs: number }
  /** Of events with one `key` that follow each other within so long only the last is handled. */
  readonly debounceMs?: number
  readonly key?: string
  /** A path: events with one value at it run one after the other, others beside them. */
  readonly concurrencyKey?: string
}

export type Trigger = TriggerOptions & TriggerKind

type TriggerKind =
  | {
      readonly type: 'cron'
      readonly cronExpression: string
      readonly timezone: string
      /** Which slots count that passed while nobody looked; default latest. */
      readonly catchUp?: 'none' | 'latest' | 'all'
      /** What becomes of a slot that meets an unfinished one; default skip. */
      readonly overlap?: 'skip' | 'buffer_one' | 'buffer_all' | 'cancel_other' | 'terminate_other' | 'allow_all'
      /** A slot fires up to that much later, each at an instant of its own. */
      readonly jitterMs?: number
    }
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
  | {
      readonly type: 'webhook'
      /** Below `/hooks`, with its slash. */
      readonly webhookPath: string
      /** Present: only what is signed is taken. */
      readonly verification?: WebhookVerification
      /** Without verification: `bearer` asks for the token of the supervisor, `none` opens it to everybody. */
      readonly auth?: 'bearer' | 'none'
      /** Addresses and networks. */
      readonly allowedSources?: readonly string[]
    }
  | { readonly type: 'event'; readonly eventType: string; readonly source?: string }
  | {
      readonly type: 'custom'
      /** The name of a registered type. */
      readonly kind: string
      /** As its schema has made them. */
      readonly options: Readonly<Record<string, unknown>>
    }
  | {
      readonly type: 'message'
      readonly from?: string
      readonly topic?: string
      /** A JSON Schema: content that does not fit is refused to its sender. */
      readonly schema?: Readonly<Record<string, unknown>>
    }

/** Without `hosts` it may go to every host of network.allow. */
export type AgentSecret = ({ readonly variable: string; readonly fallback?: string } | { readonly file: string }) & {
  readonly hosts?: readonly string[]
  /** So long after it was read it is zeroed, and read anew when it is needed again. */
  readonly ttlMs?: number
  /** Only ever true: code of the agent may hold its bytes for a while. */
  readonly lease?: true
}

export interface WebhookVerification {
  readonly scheme: 'standard' | 'github' | 'stripe' | 'slack' | 'generic'
  /** What any of them has signed is good; none: nothing can be. */
  readonly secrets: readonly SecretReference[]
  /** Of `generic`. */
  readonly header?: string
  readonly prefix?: string
  readonly encoding?: 'hex' | 'base64'
}
