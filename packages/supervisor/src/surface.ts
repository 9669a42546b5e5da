import type {
  Conversation,
  ExitCause,
  GuestVitals,
  JournalPage,
  JournalRecord,
  Json,
  PageQuery,
  RecordedError,
} from '@vigil/protocol'
import type { Attention } from './attention.ts'
import type { Moment, Rewinding, TurnReplay } from './history-surface.ts'
import type { Refused } from './hook-surface.ts'
import type { BudgetChange, BudgetStatus, TurnSpend } from './ledger/budget-surface.ts'
import type { Manifest } from './manifests/manifest.ts'
import type { MemoryHandle } from './memory/memory-surface.ts'
import type { OpenRequest } from './requests/surface.ts'
import type { ServerStatus } from './servers/servers.ts'
import type { Group } from './supervision/groups.ts'
import type { Report } from './supervision/tree/protocol.ts'
import type { Drift, TriggerStatus } from './trigger-status.ts'
import type { RevokedSecret, SecretStatus } from './vault/secret-surface.ts'

export type { Attention } from './attention.ts'
export type { HookReply, HookRequest, Refused } from './hook-surface.ts'
export type {
  AgentSpend,
  BudgetChange,
  BudgetStatus,
  CallSpend,
  DaySpend,
  LimitStatus,
  ModelSpend,
  Spend,
  SpendAmounts,
  SpentInPeriods,
  TurnSpend,
} from './ledger/budget-surface.ts'
export type { ModelStatus, ModelSurvey, ProviderStatus } from './models/survey-surface.ts'
export type { OpenRequest, RequestDecision, RequestsQuery } from './requests/surface.ts'
export type { ServerStatus } from './servers/servers.ts'
export type { Drift, TriggerStatus } from './trigger-status.ts'
export type { RevokedSecret, SecretStatus } from './vault/secret-surface.ts'

/**
 * What programs, the REST face and the daemon see of ring 0: plain data in, plain data out. Nothing here
 * is acknowledged before the record behind it is durable.
 */

/** The states of semantics.md section 1. */
export type ProcessState =
  | 'starting'
  | 'running'
  | 'awaiting'
  | 'restarting'
  | 'suspended'
  | 'stopping'
  | 'stopped'
  | 'failed'

/** Whether a process that runs has a thread: it may have given it back, or wait for one. */
export type Residency = 'resident' | 'hibernated' | 'waking' | 'absent'

/** One process as people see it; times are ISO strings, sizes MB, durations milliseconds. */
export interface ProcessStatus {
  readonly name: string
  readonly state: ProcessState
  readonly labels: Readonly<Record<string, string>>
  readonly revision: number
  readonly epoch: number
  /** What it thinks with. */
  readonly model?: string
  readonly isolation: 'process' | 'thread'
  /** The guarantee that this machine really gives, in the words of the table. */
  readonly guarantee: string
  /** The longest time from a stop to the death of its cell, milliseconds. */
  readonly stopBoundMs: number
  /** `hibernated`: it runs without a thread; `waking`: it runs and will have one in a moment. */
  readonly residency: Residency
  readonly pid?: number
  /** Of its thread, if it has one. */
  readonly vitals?: GuestVitals
  readonly restarts: number
  readonly lastExit?: { readonly at: string; readonly cause: ExitCause }
  readonly parked?: string
  readonly counters: {
    readonly accepted: number
    readonly completed: number
    readonly deadLettered: number
    readonly cancelled: number
    readonly failures: number
  }
  readonly mailbox: {
    readonly waiting: number
    readonly open: number
    readonly deadLetters: number
    /** When the longest waiting event was accepted. */
    readonly waitingSince?: string
    /** What those that wait are behind: turns that a person has to help on, or that are tried again. */
    readonly behind: readonly { readonly turn: string; readonly why: string }[]
  }
  readonly budget: BudgetStatus
  /** What a person should look at. */
  readonly attention: readonly Attention[]
  readonly triggers: readonly TriggerStatus[]
  /** Where operators made it another than its manifest says. */
  readonly drift: readonly Drift[]
  /** Its MCP servers. */
  readonly servers: readonly ServerStatus[]
}

/** How a turn ended, as `run` and `?wait` give it. */
export type TurnResult =
  | { readonly status: 'completed'; readonly eventId: string; readonly turn: string; readonly result: Json }
  | { readonly status: 'dead_lettered'; readonly eventId: string; readonly turn: string; readonly error: RecordedError }
  | { readonly status: 'cancelled'; readonly eventId: string; readonly turn: string; readonly reason: string }

/** `suspended`: open, and no guest works on it now. */
export type TurnState =
  | 'waiting'
  | 'running'
  | 'suspended'
  | 'retrying'
  | 'awaiting'
  | 'completed'
  | 'dead_lettered'
  | 'cancelled'

/** One turn in a list; `at` is when it began or ended, or when its event came. */
export interface TurnSummary {
  readonly turn: string
  readonly eventId: string
  readonly trigger?: string
  readonly state: TurnState
  /** 0 before the first. */
  readonly attempt: number
  readonly at: string
  /** In words: what it waits for, or why it ended so. */
  readonly why?: string
}

/** An effect that may or may not have happened. */
export interface Doubt {
  readonly id: string
  readonly process: string
  readonly turn: string
  readonly eventId: string
  readonly kind: string
  readonly key: string
  /** When the agent was told that it is in doubt. */
  readonly at: string
  readonly input?: Json
}

/** `done`: it happened, and this is its result. Else it is made now, under the same idempotency key: it did not happen, or may happen twice. */
export interface DoubtDecision {
  readonly outcome: 'done' | 'not_done' | 'retry'
  readonly result?: Json | undefined
}

/** An event whose turn ended badly. */
export interface DeadLetterSummary {
  readonly eventId: string
  readonly at: string
  readonly reason: string
  readonly attempts: number
  readonly error: RecordedError
  readonly trigger: string
  readonly type: string
  readonly payload: Json
}

export interface Accepted {
  readonly eventId: string
  readonly accepted: true
  readonly duplicate: boolean
}

export interface EnqueueOptions {
  /** The same key with the same payload gets the first answer; with another payload KEY_CONFLICT. Kept 7 days. */
  readonly idempotencyKey?: string
}

export interface RunOptions extends EnqueueOptions {
  /** Milliseconds to wait for the result; the turn itself goes on. Default: no limit but `signal`. */
  readonly timeout?: number
  readonly signal?: AbortSignal
}

/** One commit to a state key. */
export interface StateHistoryEntry {
  readonly at: string
  /** null when the key was deleted. */
  readonly value: Json
  /** A turn, or who patched. */
  readonly source: string
  /** Whose value was replaced that the turn had not read. */
  readonly overwrote?: string
}

/** A deployed agent. Every promise resolves only when what it says is durable. */
export interface AgentHandle extends MemoryHandle {
  readonly name: string
  readonly state: ProcessState
  /** Accepts a `manual` event and waits for its turn. Rejects with the turn's error when it is dead-lettered. */
  run(payload?: unknown, options?: RunOptions): Promise<Json>
  /** Accepts a `manual` event; resolves as soon as it is durable. */
  enqueue(payload?: unknown, options?: EnqueueOptions): Promise<Accepted>
  /** Waits for the end of the turn of an accepted event. WAIT_TIMEOUT after `timeout` ms. */
  result(eventId: string, options?: { readonly timeout?: number; readonly signal?: AbortSignal }): Promise<TurnResult>
  status(): ProcessStatus
  start(): Promise<void>
  stop(): Promise<void>
  restart(): Promise<void>
  suspend(): Promise<void>
  resume(): Promise<void>
  /** Stops the process and forgets all that it held. */
  remove(): Promise<void>
  /** Open turns and waiting events, then those that ended, newest first. */
  turns(query?: { readonly state?: TurnState; readonly limit?: number }): Promise<TurnSummary[]>
  /** Ends a turn, or an event whose turn has not begun. @throws TURN_NOT_FOUND */
  cancel(turn: string, reason?: string): Promise<void>
  /**
   * Brings the state back to what it was then, as a commit of its own; nothing else goes back. `dryRun` (default true) only tells.
   * @throws INVALID_STATE while a turn is open · REWIND_UNREACHABLE when the log does not reach back so far
   */
  rewind(to: Moment, options?: { readonly dryRun?: boolean }): Promise<Rewinding>
  /**
   * A new process with the configuration and code of this one and the state of then (default: of now); it starts stopped.
   * @throws ALREADY_EXISTS · INVALID_ARGUMENT for a bad name · REWIND_UNREACHABLE
   */
  fork(name: string, at?: Moment): Promise<AgentHandle>
  /** Runs an ended turn again with the code of today against its recorded outcomes; nothing is done and nothing is recorded. */
  replay(turn: string): Promise<TurnReplay>
  /** What its turns ask people for, oldest first; `Supervisor.decide` answers. */
  requests(): Promise<OpenRequest[]>
  /** Oldest first. */
  deadLetters(): Promise<DeadLetterSummary[]>
  /** Those named, or all, come into the mailbox again, each as a new event; resolves with their ids. @throws DEAD_LETTER_NOT_FOUND */
  redeliver(eventIds?: readonly string[]): Promise<string[]>
  /** Forgets those named, or all; resolves with how many. @throws DEAD_LETTER_NOT_FOUND */
  discard(eventIds?: readonly string[]): Promise<number>
  /** Takes away the large bodies that no event, open turn or dead letter needs; resolves with how many there were. */
  purge(): Promise<number>
  /**
   * Lays limits over those of the manifest: fields as there, null takes one away again. They hold at once.
   * @throws INVALID_CONFIG, UNKNOWN_FIELD · REVISION when it is not `ifRevision` any more
   */
  changeBudget(
    patch: Readonly<Record<string, unknown>>,
    options?: { readonly ifRevision?: number | undefined },
  ): Promise<BudgetChange>
  /** Dollars more for the hour, day and month that are now. */
  grantBudget(usd: number): Promise<BudgetChange>
  /** What a turn has spent and reserved, and by which calls; of an ended one too. @throws TURN_NOT_FOUND */
  turnSpend(turn: string): Promise<TurnSpend>
  /** Those of the manifest, then those that were added. */
  triggers(): Promise<readonly TriggerStatus[]>
  /**
   * Listens from now on, beside the triggers of the manifest, until it is removed; given as in a manifest, as data or as a
   * text of YAML, with absolute paths. One of the manifest that was turned off is turned on again.
   * @throws INVALID_CONFIG, UNKNOWN_FIELD, MISSING_FIELD · ALREADY_EXISTS · TOO_LARGE
   */
  addTrigger(trigger: unknown): Promise<TriggerStatus>
  /** Takes away one that was added, turns off one of the manifest. @throws TRIGGER_NOT_FOUND */
  removeTrigger(id: string): Promise<void>
  /** Makes an event of the trigger's type with this payload. @throws TRIGGER_NOT_FOUND, INVALID_STATE, PAYLOAD_INVALID, MAILBOX_FULL, TOO_LARGE */
  fire(id: string, payload?: unknown): Promise<Accepted | Refused>
  /** Names and what is known of them, never values. */
  secrets(): Promise<readonly SecretStatus[]>
  /**
   * A new version of a secret, used from now on instead of what the manifest names; `bytes` are zeroed. `ttl` in milliseconds.
   * @throws INVALID_ARGUMENT · TOO_LARGE
   */
  setSecret(
    name: string,
    bytes: Uint8Array,
    options?: { readonly ttl?: number | undefined; readonly by?: string },
  ): Promise<SecretStatus>
  /** From now on nobody may use this one, or any: wherever they lie. @throws SECRET_NOT_FOUND */
  revokeSecrets(name?: string, by?: string): Promise<readonly RevokedSecret[]>
  /** What Vigil made itself, for whoever has to sign with it; that it was shown is on record. @throws SECRET_NOT_FOUND, SECRET_DENIED */
  revealSecret(name: string, by?: string): Promise<{ readonly version: number; readonly value: string }>
  /** Records of this process, newest first unless asked otherwise. */
  journal(query?: Omit<PageQuery, 'process' | 'limit'> & { readonly limit?: number }): Promise<JournalPage>
  /** What is committed: state, and the conversation of its model. */
  context(): Promise<{ readonly state: Readonly<Record<string, Json>>; readonly conversation: Conversation }>
  /** What was committed under a key, oldest first, at most 100. */
  stateHistory(key: string): Promise<readonly StateHistoryEntry[]>
  /** Sets keys in one commit of its own. @throws TOO_LARGE */
  patchContext(state: Readonly<Record<string, Json>>): Promise<void>
}

/** What recovery found, for the block that the daemon prints. */
export interface RecoveryReport {
  readonly orphansEnded: number
  readonly tornTail?: string
  readonly processes: readonly {
    readonly name: string
    readonly checkpointAt?: string
    readonly replayed: number
    readonly openTurns: number
  }[]
  readonly lost: number
  /** Effects of open turns that the replayed records say were made again although they were on record. */
  readonly repeated: number
  /** Events and open turns that became dead letters because a body of theirs is gone. */
  readonly bodiesLost: number
  readonly inDoubt: number
}

/** A manifest that was read and checked, and the folder that its relative paths stand on. */
export interface DeployRequest {
  readonly manifest: Manifest
  /** Absolute. */
  readonly baseDirectory: string
  readonly by: 'operator' | 'manifest' | 'program'
  readonly start?: boolean
  /** Whose purse is above its own. */
  readonly parent?: string
  /** Hash of a bundle that is kept, instead of bundling the entrypoint. */
  readonly bundle?: string
  /** What a new process remembers of turns that it never had. */
  readonly conversation?: Conversation
}

/**
 * The tree as people see it. A group is a supervisor of the configuration; an agent of the top level stands under one of its own,
 * which counts `intensity` restarts within `periodMs` of time alive, and is not shown by itself.
 */
export type TreeNode =
  | {
      readonly kind: 'group'
      readonly name: string
      /** `ended`: it gave up or its work is done; nothing under it lives. */
      readonly state: 'running' | 'restarting' | 'ended'
      readonly strategy: Group['strategy']
      readonly intensity: number
      readonly periodMs: number
      readonly autoShutdown: Group['autoShutdown']
      /** In the order of their start. */
      readonly children: readonly TreeNode[]
    }
  | {
      readonly kind: 'agent'
      readonly name: string
      readonly state: ProcessState
      readonly restart: 'permanent' | 'transient' | 'temporary'
      readonly restarts: number
      readonly pid?: number
      /** Of an agent that stands alone. */
      readonly intensity?: number
      readonly periodMs?: number
    }

/** What Supervisor events carry; `on('fatal')` is the last thing that a supervisor says. */
export interface SupervisorEvents {
  record: (record: JournalRecord) => void
  log: (line: {
    process: string
    turn?: string
    level: 'debug' | 'info' | 'warn' | 'error'
    message: string
    fields?: unknown
  }) => void
  /** OTP's crash report: which supervisor, in which context, why, and about whom. */
  report: (report: Report & { readonly supervisor: string }) => void
  fatal: (error: Error) => void
}
