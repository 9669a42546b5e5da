import { emptyPurse, type Kind, type Purse, type TurnPurse, type Unit } from '@vigil/governance'
import type {
  AcceptedEvent,
  Amounts,
  BudgetPatch,
  Conversation,
  ExitCause,
  Outcome,
  RecordData,
  RecordedError,
  ToolDeclaration,
} from '@vigil/protocol'
import type { Manifest, NoticeTarget } from '../manifests/manifest.ts'
import { noConversation } from './conversation-fold.ts'
import { noOverlay, type TriggerOverlay } from './trigger-layers.ts'

/**
 * All that ring 0 knows of one process: a fold over journal records and nothing else, so that replay gives
 * the same. Plain data and Maps in insertion order. Values inside (events, outcomes, state) are never changed in
 * place, which is why a shallow copy is a true snapshot.
 */
export interface ProcessFold {
  readonly name: string
  revision: number
  manifest: Manifest
  overlay: TriggerOverlay
  /** What operators laid over the budget of the manifest, and how often. */
  budgetPatch: BudgetPatch
  budgetRevision: number
  /** Whose purse is above its own. */
  parent: string | undefined
  purse: Purse
  /** By model: what its calls came to. */
  readonly spentOn: Map<string, Purse>
  /** It runs no turn before the budget that it did not fit into has room again. */
  budgetPause: BudgetPause | undefined
  /** Hash of the bundle that new turns begin on. */
  bundle: string
  desired: 'running' | 'suspended' | 'stopped'
  epoch: number
  /** A life was begun and its end is not recorded yet. */
  alive: boolean
  /** It runs, and gave its thread back. */
  resting: boolean
  /** The epoch of the last life that ended for good; 0 before the first. */
  exitedEpoch: number
  /** The bundle that came up last, and the tools that its guest says to have. */
  described: string | undefined
  tools: readonly ToolDeclaration[]
  /** By server: the tools that it listed last. */
  readonly serverTools: Map<string, readonly ToolDeclaration[]>
  /** Why policy gave up; undefined while it has not. */
  parked: string | undefined
  restarts: number
  lastExit: { readonly at: string; readonly cause: ExitCause } | undefined
  accepted: number
  completed: number
  deadLettered: number
  cancelled: number
  /** Dead letters since the last completed turn. */
  failures: number
  /** Accepted and not ended, in order of acceptance; an open turn keeps its event here. */
  readonly mailbox: Map<string, AcceptedEvent>
  /** How many of them have a priority of their own. */
  prioritized: number
  readonly turns: Map<string, TurnFold>
  /** What its turns ask people for and nobody has decided, oldest first. */
  readonly requests: Map<string, RequestFold>
  /** The newest of those that are over. */
  readonly endedRequests: EndedRequest[]
  /** What people are to be told and nobody has taken yet, and the newest of what was given up. */
  readonly notices: Map<string, NoticeFold>
  /** By name: those that were set, made or revoked here. */
  readonly secrets: Map<string, SecretFold>
  /** By name: where each was sent last. */
  readonly secretUses: Map<string, SecretUse>
  /** Per trigger: key -> first answer. */
  readonly dedupe: Map<string, Map<string, DedupeEntry>>
  readonly deadLetters: DeadLetter[]
  /** Of its model over its turns; never changed in place. */
  conversation: Conversation
  readonly state: Map<string, unknown>
  /** Keys and values of the whole state as JSON. */
  stateBytes: number
  readonly stateHistory: Map<string, StateChange[]>
  /** Its own memory by id, in the order in which entries were stored; a shared one is a row of its own. */
  readonly memory: Map<string, MemoryEntry>
  /** What counts against the room of it. */
  memoryBytes: number
  /** Per cron trigger: the last slot that was decided, ISO. */
  readonly cronFrom: Map<string, string>
  /** Per trigger with a rate: when its newest turns began, milliseconds. */
  readonly begun: Map<string, number[]>
  /** Per cron trigger: slots that did not fire themselves. */
  readonly cronCounts: Map<string, SlotCounts>
  /** Per trigger: what it took since it is there. */
  readonly taken: Map<string, Taken>
  /** Per file trigger: path -> dedupe key of the version that was delivered or ignored. */
  readonly baselines: Map<string, Map<string, string>>
}

export interface BudgetPause {
  readonly at: string
  readonly owner: string
  readonly per: Unit | 'turn'
  readonly kind: Kind
  /** ISO; undefined while nobody knows when. */
  readonly until: string | undefined
  /** People are to be told, and whether they were. */
  readonly told?: 'not_yet' | 'yes'
}

export interface TurnFold {
  readonly turn: string
  readonly eventId: string
  /** All that it was begun for; `eventId` is the first. */
  readonly eventIds: readonly string[]
  /** It took a batch, also when that was a batch of one. */
  readonly batch: boolean
  readonly bundle: string
  readonly startedAt: string
  attempt: number
  /** Milliseconds that the attempt has run, in lives that are over too. */
  ranMs: number
  /** Own crashes of the agent while this turn was open. */
  crashes: number
  /** The attempt was cut by a crash or stop: every recorded outcome has to be asked for again. */
  cut: boolean
  /** It was open when a cell died that its agent shared: until it ends the agent has a cell of its own. */
  quarantined: boolean
  /** When the next attempt is due, and when the one before it failed. */
  retry: { readonly at: string; readonly failedAt: string } | undefined
  /** It waits for a person to say what became of these effects. */
  parked: { readonly at: string; readonly doubts: readonly string[] } | undefined
  /** Since when its guest has let go of it, because all that it does is wait for people. */
  suspended: string | undefined
  /** Over all its attempts. */
  purse: TurnPurse
  /** How often each tool was begun, in all attempts. */
  begunTools: Readonly<Record<string, number>>
  /** The newest span of it, as a traceparent; absent: nobody traced it. */
  trace?: string
  /** Of the placeholders of its secrets; undefined: it has begun without any. */
  salt: string | undefined
  /** With what it thinks to its end, whatever the manifest says by then; undefined: it does not. */
  readonly thinking: Manifest['thinking'] | undefined
  /** What the attempt remembers of the turns before it. */
  conversation: Conversation
  /** In the order in which outcomes were recorded (intents wait at their first place). */
  readonly effects: Map<string, EffectFold>
  /** What stood under each key that others have committed since the attempt began; undefined: nothing. */
  readonly before: Map<string, unknown>
}

export interface EffectFold {
  readonly key: string
  readonly kind: string
  readonly at: string
  /** The attempt that made it: only its own effects must an attempt ask for again after a crash. */
  readonly attempt: number
  readonly input?: unknown
  readonly idempotencyKey?: string | undefined
  /** May be acted again when its outcome is unknown. */
  readonly repeatable: boolean
  /** A read: the next attempt does it again. */
  readonly rerun: boolean
  /** The worst that it can cost, once it was begun. */
  readonly reserved?: Amounts
  readonly outcome?: Outcome
}

/** What a turn asks people for. */
export interface RequestFold {
  readonly id: string
  readonly turn: string
  readonly key: string
  readonly kind: 'approval' | 'question' | 'budget'
  readonly at: string
  readonly asked: unknown
  readonly inputHash: string
  /** When `onTimeout` speaks for people. */
  readonly deadline: string
  readonly timeoutMs: number
  readonly onTimeout: RecordData<'request.opened'>['on_timeout']
  /** It is told once more. */
  readonly isEscalated?: true
  /** People were told of it, as it stands now. */
  readonly isTold?: true
}

export interface NoticeFold {
  readonly id: string
  readonly at: string
  readonly eventType: string
  readonly text: string
  readonly data: unknown
  readonly to: NoticeTarget
  /** Tries that failed. */
  readonly failed: number
  readonly error?: RecordedError
  /** When the next try is due; absent before the first, and when it was given up. */
  readonly retryAt?: string
  readonly isLost?: true
}

/** What people did with one secret of a process: a layer over its manifest. Never a value. */
export interface SecretFold {
  /** Of what was set or made here; 0: nothing was. */
  readonly version: number
  readonly at: string
  readonly origin: 'manifest' | 'set' | 'generated'
  /** `sealed`: on the disk; `memory`: of the supervisor that took it. */
  readonly kept: 'sealed' | 'memory'
  readonly expiresAt?: string
  /** Nobody may use it any more. */
  readonly revoked?: { readonly at: string; readonly by: string; readonly expired: boolean }
}

/** Never changed in place: who stores under its key replaces it. */
export interface MemoryEntry {
  readonly id: string
  readonly text: string
  readonly tags: readonly string[]
  readonly key?: string
  readonly at: string
  /** Which process stored it. */
  readonly by: string
  /** 32-bit floats, little-endian, as base64, and who made them. */
  readonly vector?: { readonly model: string; readonly data: string }
}

export interface SecretUse {
  readonly at: string
  readonly host?: string
}

/** How a request ended: `withdrawn` when its turn did. */
export interface EndedRequest {
  readonly id: string
  readonly turn: string
  readonly kind: RequestFold['kind']
  readonly at: string
  readonly end: 'approved' | 'denied' | 'answered' | 'expired' | 'withdrawn'
  readonly by: string
  readonly reason?: string
}

export interface DedupeEntry {
  readonly eventId: string
  readonly bodyHash: string | undefined
  readonly atMs: number
}

export interface DeadLetter {
  readonly at: string
  readonly event: AcceptedEvent
  readonly attempts: number
  readonly reason: string
  readonly error: RecordedError
  /** Its event is not whole any more: what stands for its body must never come to an agent. */
  readonly lacksBody?: true
}

export interface SlotCounts {
  /** Passed while nobody looked: folded into a later one, or not made up. */
  readonly missed: number
  /** Met an unfinished one. */
  readonly skipped: number
}

export interface Taken {
  readonly count: number
  /** The newest of them. */
  readonly last: { readonly at: string; readonly eventId: string }
}

export interface StateChange {
  readonly at: string
  /** null when the key was deleted. */
  readonly value: unknown
  readonly source: string
  /** Whose value was replaced that the turn had not read. */
  readonly overwrote?: string
}

/** The process as it is right after its first deploy. */
export function newProcessFold(name: string, manifest: Manifest, bundle: string): ProcessFold {
  return {
    name,
    revision: 0,
    manifest,
    overlay: noOverlay,
    budgetPatch: {},
    budgetRevision: 0,
    parent: undefined,
    purse: emptyPurse,
    spentOn: new Map(),
    budgetPause: undefined,
    bundle,
    desired: 'stopped',
    epoch: 0,
    alive: false,
    resting: false,
    exitedEpoch: 0,
    described: undefined,
    tools: [],
    serverTools: new Map(),
    parked: undefined,
    restarts: 0,
    lastExit: undefined,
    accepted: 0,
    completed: 0,
    deadLettered: 0,
    cancelled: 0,
    failures: 0,
    mailbox: new Map(),
    prioritized: 0,
    turns: new Map(),
    requests: new Map(),
    endedRequests: [],
    notices: new Map(),
    secrets: new Map(),
    secretUses: new Map(),
    dedupe: new Map(),
    deadLetters: [],
    conversation: noConversation,
    state: new Map(),
    stateBytes: 0,
    stateHistory: new Map(),
    memory: new Map(),
    memoryBytes: 0,
    cronFrom: new Map(),
    begun: new Map(),
    cronCounts: new Map(),
    taken: new Map(),
    baselines: new Map(),
  }
}

/** What is kept beside the processes stands in the world by a name that no manifest can take. */
export const isProcess = ({ name }: Pick<ProcessFold, 'name'>): boolean => !name.startsWith('@')

export const rowBeside = (name: string): ProcessFold =>
  newProcessFold(name, { name, triggers: [] } as unknown as Manifest, '')

/** One event is handled by one turn: its id is the event's behind a prefix. */
export const turnOf = (eventId: string): string => `t-${eventId}`
