import type { ExitCause } from './exit-cause.ts'
import type { Json } from './json.ts'
import type { Conversation } from './model.ts'
import type { RecordedError } from './record-shapes.ts'
import type { BudgetView } from './spend-views.ts'

/** What REST replies look like: snake_case, times as ISO strings. Payloads, state and records are as they were sent. */
export interface ProcessView {
  readonly name: string
  readonly state: string
  readonly labels: Readonly<Record<string, string>>
  readonly revision: number
  readonly epoch: number
  /** What it thinks with. */
  readonly model?: string
  readonly isolation: string
  readonly guarantee: string
  readonly stop_bound_ms: number
  readonly residency: string
  readonly pid?: number
  readonly vitals?: { readonly memory_mb: number; readonly loop: number; readonly busy_ms: number }
  readonly restarts: number
  readonly last_exit?: { readonly at: string; readonly cause: ExitCause }
  readonly parked?: string
  readonly counters: {
    readonly accepted: number
    readonly completed: number
    readonly dead_lettered: number
    readonly cancelled: number
    readonly failures: number
  }
  readonly mailbox: {
    readonly waiting: number
    readonly open: number
    readonly dead_letters: number
    readonly waiting_since?: string
    readonly behind: readonly { readonly turn: string; readonly why: string }[]
  }
  readonly budget: BudgetView
  /** What a person should look at. */
  readonly attention: readonly { readonly what: string; readonly since: string }[]
  readonly triggers: readonly TriggerView[]
  /** Where operators made it another than its manifest says; `off`: they turned it off. */
  readonly drift: readonly { readonly path: string; readonly change: 'added' | 'off' }[]
  /** Its MCP servers; `tools`: how many of each may be called, as far as it is known. */
  readonly servers: readonly {
    readonly name: string
    readonly state: 'idle' | 'connecting' | 'ready' | 'failed'
    readonly error?: string
    readonly tools: number
  }[]
}

export interface TriggerView {
  readonly id: string
  readonly type: string
  readonly text: string
  readonly origin: 'manifest' | 'operator'
  readonly enabled: boolean
  /** It hears what it listens to; else `problem` says why not. */
  readonly armed: boolean
  readonly problem?: string
  readonly next_fire?: string
  /** Events that it took since it is there. */
  readonly accepted: number
  /** Of cron: slots that passed while nobody looked and were folded or not made up, and that met an unfinished one. */
  readonly missed?: number
  readonly skipped?: number
  /** Events that it did not take since the supervisor started, by reason. */
  readonly refused?: { readonly disabled?: number; readonly filter?: number }
  readonly last_event?: { readonly at: string; readonly event_id: string }
  /** Since the supervisor started. */
  readonly last_failure?: { readonly at: string; readonly message: string }
}

export interface SecretView {
  readonly name: string
  /** `set` and `generated` are used instead of what the manifest names. */
  readonly source: 'variable' | 'file' | 'set' | 'generated'
  /** The variable or the file. */
  readonly where?: string
  /** Of what was set or made by Vigil. */
  readonly version?: number
  readonly since?: string
  /** `memory`: it is gone when this supervisor ends. */
  readonly kept?: 'sealed' | 'memory'
  readonly expires_at?: string
  readonly ttl_ms?: number
  readonly hosts?: readonly string[]
  readonly last_use?: { readonly at: string; readonly host?: string }
  readonly revoked?: { readonly at: string; readonly by: string; readonly expired: boolean }
  /** Why it cannot be used, as of the last look. */
  readonly missing?: string
}

export interface RevokedSecretView {
  readonly name: string
  readonly source: SecretView['source']
  /** The variable or the file, which still holds it. */
  readonly where?: string
}

export interface ProcessListView {
  readonly processes: readonly ProcessView[]
  readonly total: number
}

/** A group with what stands under it, or an agent; `intensity` and `period_ms` are of its own supervisor if it stands alone. */
export type TreeNodeView =
  | {
      readonly kind: 'group'
      readonly name: string
      readonly state: string
      readonly strategy: string
      readonly intensity: number
      readonly period_ms: number
      readonly auto_shutdown: string
      readonly children: readonly TreeNodeView[]
    }
  | {
      readonly kind: 'agent'
      readonly name: string
      readonly state: string
      readonly restart: string
      readonly restarts: number
      readonly pid?: number
      readonly intensity?: number
      readonly period_ms?: number
    }

export interface TreeView {
  readonly tree: readonly TreeNodeView[]
}

export interface StateView {
  readonly name: string
  readonly state: string
}

export interface RuntimeStatusView {
  readonly ready: boolean
  readonly data: string
  /** `full`: nothing new is taken until there is room. */
  readonly disk: 'ok' | 'full'
  /** Segments of the journal that were found damaged since the start, and the first bad byte in each. */
  readonly damaged?: readonly { readonly segment: string; readonly offset: number }[]
  readonly processes: { readonly total: number; readonly by_state: Readonly<Record<string, number>> }
  /** What a person should look at, in all processes. */
  readonly needs_attention: readonly { readonly process: string; readonly what: string; readonly since: string }[]
  readonly recovery: {
    readonly orphans_ended: number
    readonly torn_tail?: string
    readonly processes: readonly {
      readonly name: string
      readonly checkpoint_at?: string
      readonly replayed: number
      readonly open_turns: number
    }[]
    readonly lost: number
    readonly repeated: number
    readonly bodies_lost: number
    readonly in_doubt: number
  }
}

export interface AcceptedView {
  readonly event_id: string
  readonly accepted: true
  readonly duplicate: boolean
}

/** What became of an event that a person fired. */
export type FiredView = AcceptedView | { readonly accepted: false; readonly reason: string }

/** What a webhook's sender is told. */
export type HookView =
  | {
      readonly event_id: string
      readonly accepted: true
      readonly duplicate: boolean
      readonly event_ids?: readonly string[]
      readonly refused?: readonly string[]
    }
  | { readonly accepted: false; readonly reason: string }
  | { readonly challenge: string }

export type TurnView =
  | { readonly event_id: string; readonly turn: string; readonly status: 'completed'; readonly result: Json }
  | {
      readonly event_id: string
      readonly turn: string
      readonly status: 'dead_lettered'
      readonly error: RecordedError
    }
  | { readonly event_id: string; readonly turn: string; readonly status: 'cancelled'; readonly reason: string }

/** `state`: waiting, running, suspended, retrying, awaiting, completed, dead_lettered or cancelled. */
export interface TurnSummaryView {
  readonly turn: string
  readonly event_id: string
  readonly trigger?: string
  readonly state: string
  readonly attempt: number
  readonly at: string
  readonly why?: string
}

export interface DeadLetterView {
  readonly event_id: string
  readonly at: string
  readonly reason: string
  readonly attempts: number
  readonly error: RecordedError
  readonly trigger: string
  readonly type: string
  readonly payload: Json
}

/** What a rewind does to the state (`applied`), or would do. */
export interface RewindingView {
  readonly n: number
  readonly changes: readonly { readonly key: string; readonly before?: Json; readonly after?: Json }[]
  /** So many messages of the conversation come or go. */
  readonly messages: number
  readonly applied: boolean
}

interface TurnEndView {
  readonly status: string
  readonly result?: Json
  readonly writes?: Json
  readonly error?: { readonly code: string; readonly message: string }
}

export interface TurnReplayView {
  readonly turn: string
  readonly same: boolean
  readonly recorded: TurnEndView
  readonly replayed?: TurnEndView
  readonly unasked: readonly string[]
  readonly unrecorded: readonly { readonly key: string; readonly kind: string; readonly input: Json }[]
  readonly failed?: string
}

export interface DoubtView {
  readonly id: string
  readonly process: string
  readonly turn: string
  readonly event_id: string
  readonly kind: string
  readonly key: string
  readonly at: string
  readonly input?: Json
}

/** What a turn asks people for; `asked` is `{action, details}` or `{question, options, schema, default}`. */
export interface RequestView {
  readonly id: string
  readonly process: string
  readonly turn: string
  readonly event_id: string
  readonly kind: string
  readonly at: string
  readonly asked: Json
  readonly deadline: string
  readonly on_timeout: string
  /** Names of tokens: nobody else may decide. Empty: every operator. */
  readonly approvers: readonly string[]
  /** SHA-256 of what the decision is bound to. */
  readonly input_hash: string
}

export interface EntryView {
  /** Place of the record in its process, from 1. */
  readonly n: number
  readonly at: string
  readonly type: string
  readonly turn?: string
  readonly data: unknown
}

export interface JournalView {
  readonly entries: readonly EntryView[]
  /** Give it as `before` to get the next, older page; null at the end. */
  readonly next: string | null
  /** Damaged segments of the log: entries that lay in them may be missing here. */
  readonly damaged?: readonly string[]
}

export interface ContextView {
  readonly state: Readonly<Record<string, Json>>
  /** Of its model over its turns, oldest first; `summary` stands for what was let go. */
  readonly conversation: Pick<Conversation, 'summary' | 'messages'>
}

export interface StateHistoryView {
  readonly key: string
  /** Oldest first. `source`: turn id or who patched; `overwrote`: whose value was replaced that the turn had not read. */
  readonly history: readonly {
    readonly at: string
    readonly value: Json
    readonly source: string
    readonly overwrote?: string
  }[]
}

export interface MemoryView {
  /** Whether its agent may use it. */
  readonly enabled: boolean
  /** All agents that give this name see the same entries. */
  readonly share?: string
  readonly total: number
  readonly bytes: number
  readonly entries: readonly {
    readonly id: string
    readonly text: string
    readonly tags: readonly string[]
    readonly key?: string
    readonly at: string
    /** Which agent stored it. */
    readonly by: string
    /** 0 where nothing was asked. */
    readonly score: number
  }[]
  /** Give it as `cursor` to get the next page; null at the end. */
  readonly next: string | null
}
