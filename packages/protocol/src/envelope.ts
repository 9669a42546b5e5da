import { z } from 'zod'
import { limits } from './limits.ts'
import { type Conversation, embedRequestSchema, modelRequestSchema, type OfferedTool, type Thinking } from './model.ts'
import { type AcceptedEvent, type Outcome, type RecordedError, type WriteSet, writeSetSchema } from './record-shapes.ts'
import { toolDeclarations } from './tool-declaration.ts'

/**
 * What guest and core say to each other: one JSON document per string. The hub between them never parses
 * it. Core trusts nothing that a guest says beyond its own turn: see `guestMessageSchema`.
 */

const memoryTags = z.array(z.string().min(1).max(limits.memoryTagChars)).max(limits.memoryTags)

/** System calls of a guest. `step` reports a finished step, or (`intend`) asks leave to begin one that may run only once. */
export const callSchemas = {
  step: z.strictObject({
    outcome: z.unknown().optional(),
    error: z.unknown().optional(),
    intend: z.boolean().optional(),
    idempotent: z.boolean().optional(),
    /** The guest can find out what came of it: in doubt, it is told so instead of being refused. */
    reconcile: z.boolean().optional(),
  }),
  /** `begin` asks leave to run a tool of the guest's module; the other form reports what came of it. */
  tool: z.union([
    z.strictObject({ name: z.string(), input: z.unknown(), begin: z.literal(true) }),
    z.strictObject({ outcome: z.unknown().optional(), error: z.unknown().optional() }),
  ]),
  'model.generate': modelRequestSchema,
  /** A call of a tool of an MCP server, by the name `server__tool`. */
  'server.tool': z.strictObject({ name: z.string().max(64), input: z.unknown() }),
  'model.embed': embedRequestSchema,
  publish: z.strictObject({ topic: z.string().min(1).max(256), data: z.unknown() }),
  send: z.strictObject({
    to: z.string(),
    topic: z.string().optional(),
    content: z.unknown(),
    priority: z.enum(['high', 'normal', 'low']).optional(),
    ttl_ms: z.number().positive().optional(),
  }),
  request: z.strictObject({
    to: z.string(),
    topic: z.string().optional(),
    content: z.unknown(),
    timeout_ms: z.number().positive(),
  }),
  /** `ctx.approve`: one of these opens a request to people and waits for what they say. */
  approve: z.strictObject({
    action: z.string().min(1).max(256),
    details: z.unknown().optional(),
    timeout_ms: z.number().positive().optional(),
    on_timeout: z.enum(['deny', 'approve', 'escalate']).optional(),
  }),
  ask_human: z.strictObject({
    question: z.string().min(1).max(4_000),
    options: z.array(z.string().min(1).max(256)).min(1).max(100).optional(),
    schema: z.record(z.string(), z.unknown()).optional().describe('JSON Schema of the answer'),
    timeout_ms: z.number().positive().optional(),
    default: z.unknown().optional(),
  }),
  sleep: z.strictObject({ ms: z.number().min(0) }),
  monitor: z.strictObject({ process: z.string() }),
  fetch: z.strictObject({
    method: z.string(),
    url: z.string(),
    headers: z.record(z.string(), z.string()),
    body: z.string().optional().describe('base64'),
    idempotent: z.boolean().optional(),
    timeout_ms: z.number().optional(),
  }),
  'file.read': z.strictObject({ mount: z.string(), path: z.string() }),
  'file.list': z.strictObject({ mount: z.string(), path: z.string() }),
  'file.write': z.strictObject({ mount: z.string(), path: z.string(), body: z.string().describe('base64') }),
  'state.history': z.strictObject({ key: z.string() }),
  'memory.store': z.strictObject({
    text: z.string().min(1),
    tags: memoryTags.optional(),
    key: z.string().min(1).max(limits.memoryKeyChars).optional(),
  }),
  'memory.search': z.strictObject({
    query: z.string().max(limits.memoryQueryChars),
    max: z.int().min(1).max(limits.memoryResults).optional(),
    min_score: z.number().min(0).optional(),
    tags: memoryTags.optional(),
  }),
  /** By its id, or by the key that its author gave it. */
  'memory.forget': z.union([
    z.strictObject({ id: z.string().regex(/^m-[0-9a-f]{20}$/, 'expected the id of an entry, such as store gives it') }),
    z.strictObject({ key: z.string().min(1).max(limits.memoryKeyChars) }),
  ]),
  /** `channel` is what the turn calls it from then on. */
  channel: z.strictObject({
    channel: z.int().min(0),
    name: z
      .string()
      .max(256)
      .regex(/^[^.*]+(\.[^.*]+)*$/, 'expected segments parted by single dots, without stars'),
  }),
} as const
export type CallKind = keyof typeof callSchemas
/** They wait for something else than work of ring 0, for as long as it takes. */
export const waitingKinds: ReadonlySet<CallKind> = new Set(['sleep', 'monitor', 'request', 'approve', 'ask_human'])
/** They wait for a person: a turn with nothing else to wait for holds no guest. */
export const personKinds: ReadonlySet<CallKind> = new Set(['approve', 'ask_human'])
export type CallInput<K extends CallKind> = z.infer<(typeof callSchemas)[K]>

/** They wait for others, who may be slow: they hold none of the credits that all share. */
export const slowKinds: ReadonlySet<CallKind> = new Set(['model.generate', 'model.embed', 'server.tool'])

/**
 * How an effect is recorded, fixed here and never chosen by a caller. `guarded`: intent durable, act,
 * outcome durable, reply. `act`: intent durable, act, outcome appended, reply. `pure`: one appended
 * record, reply at once. `accepted`: one record, the reply waits until it is durable, because the reply
 * says that somebody else will get it. `free`: reads of the guest's own past, no record.
 */
export type RecordClass = 'guarded' | 'act' | 'pure' | 'accepted' | 'free'

export function recordClass(
  kind: CallKind,
  input: { readonly method?: string; readonly intend?: boolean },
): RecordClass {
  switch (kind) {
    case 'fetch':
      return input.method === 'GET' || input.method === 'HEAD' ? 'act' : 'guarded'
    case 'file.write':
    case 'model.generate':
    case 'server.tool':
    case 'model.embed':
      return 'guarded'
    case 'file.read':
    case 'file.list':
      return 'act'
    case 'publish':
    case 'send':
    case 'request':
    case 'approve':
    case 'ask_human':
    case 'memory.store':
    case 'memory.forget':
      return 'accepted'
    case 'step':
    case 'tool':
    case 'sleep':
    case 'monitor':
    case 'channel':
    case 'memory.search':
      return 'pure'
    case 'state.history':
      return 'free'
  }
}

const errorShape = z.strictObject({
  name: z.string().optional(),
  message: z.string(),
  code: z.string().optional(),
  stack: z.string().optional(),
  /** false: do not try again. */
  retry: z.boolean().optional(),
  details: z.unknown().optional(),
})
export type ThrownError = z.infer<typeof errorShape>

/** Of the channels of a turn: ephemeral like logs, and never answered by a record. Items are JSON texts that core does not parse. */
const onChannel = { turn: z.string(), channel: z.int().min(0) }

const kinds = Object.keys(callSchemas) as [CallKind, ...CallKind[]]

export const guestMessageSchema = z.discriminatedUnion('t', [
  /** The module is loaded and can run. */
  z.strictObject({ t: z.literal('ready'), tools: toolDeclarations.optional() }),
  /** The module could not be loaded, or has nothing to run. */
  z.strictObject({ t: z.literal('unready'), error: errorShape }),
  z.strictObject({
    t: z.literal('call'),
    id: z.number(),
    turn: z.string(),
    key: z.string().max(512),
    kind: z.enum(kinds),
    input: z.unknown(),
  }),
  /** `unasked`: keys of recorded outcomes that the attempt never asked for. */
  z.strictObject({
    t: z.literal('completed'),
    turn: z.string(),
    result: z.unknown(),
    writes: writeSetSchema,
    unasked: z.array(z.string()),
  }),
  z.strictObject({ t: z.literal('threw'), turn: z.string(), error: errorShape, unasked: z.array(z.string()) }),
  /** The answer to `cancel`: nothing of the attempt comes after it. */
  z.strictObject({ t: z.literal('cancelled'), turn: z.string() }),
  /** Asks for the bytes of a secret, which come over a lane of their own. On record is that they were lent; a replay asks again. */
  z.strictObject({ t: z.literal('lease'), turn: z.string(), id: z.int().min(1), name: z.string().max(64) }),
  /** It holds them no longer. */
  z.strictObject({ t: z.literal('lease.end'), id: z.int().min(1) }),
  /** Ephemeral: no record, never replayed. */
  z.strictObject({
    t: z.literal('log'),
    turn: z.string().optional(),
    level: z.enum(['debug', 'info', 'warn', 'error']),
    message: z.string(),
    fields: z.unknown().optional(),
  }),
  z.strictObject({
    t: z.literal('channel.send'),
    ...onChannel,
    items: z.array(z.string().max(limits.channelItemBytes)).min(1).max(limits.channelBatch),
  }),
  /** So many items more may be on their way to this reader. */
  z.strictObject({ t: z.literal('channel.grant'), ...onChannel, items: z.int().min(1) }),
  z.strictObject({ t: z.literal('channel.close'), ...onChannel }),
])
export type GuestMessage = z.infer<typeof guestMessageSchema>

/**
 * A recorded outcome as the guest gets it back: `at` is ISO wall time, `begun` the leave to run a step or tool that may be run again
 * (its key is `<step key>/begun`), and `leave` what a tool was told with it.
 */
export interface RecordedEffect {
  readonly key: string
  readonly kind: string
  readonly at: string
  readonly outcome: Outcome | 'begun'
  readonly leave?: ToolLeave
}

/** What a tool runs on: the input as it was decided. `in_doubt`: it has begun before, and is asked what came of it. */
export interface ToolLeave {
  readonly input: unknown
  readonly timeout_ms?: number
  readonly in_doubt?: true
}

/** Keys with their values, and keys that are not there. */
export interface StateDiff {
  readonly set: Readonly<Record<string, unknown>>
  readonly delete: readonly string[]
}

export type CoreMessage =
  | {
      readonly t: 'turn'
      readonly turn: string
      readonly attempt: number
      readonly epoch: number
      readonly event: AcceptedEvent
      /** ISO wall time of the turn's first start: where `ctx.now()` begins. */
      readonly started_at: string
      readonly seed: string
      /** Of the placeholders of secrets; absent: the process has none. */
      readonly salt?: string
      /** Committed state: everything if `full`, else only what changed since the last turn of this life. */
      readonly state: StateDiff & { readonly full: boolean }
      /** What stood under keys that were committed since the attempt began: the next life reads the same snapshot. */
      readonly as_of?: StateDiff
      /** The only keys that may be written; absent: all. */
      readonly writable?: readonly string[]
      /** Present: the process thinks with a model. */
      readonly thinking?: Thinking & {
        /** The tools that its model is told of. */
        readonly offered: readonly OfferedTool[]
        /** As it was when the attempt began. */
        readonly conversation: Conversation
      }
      /** In the order in which the outcomes were recorded. */
      readonly recorded: readonly RecordedEffect[]
      /** After a crash every recorded outcome must be asked for again; after a throw it need not. */
      readonly crashed: boolean
    }
  | { readonly t: 'reply'; readonly id: number; readonly at: string; readonly ok: true; readonly value: unknown }
  | { readonly t: 'reply'; readonly id: number; readonly at: string; readonly ok: false; readonly error: RecordedError }
  /** Others committed keys that the turn has updated: compute them from these values and complete again. */
  | ({ readonly t: 'reapply'; readonly turn: string } & StateDiff)
  | { readonly t: 'lease.refused'; readonly id: number; readonly error: RecordedError }
  /** The completion with its updates is on record. */
  | { readonly t: 'settled'; readonly turn: string }
  /** `lost`: items before these that were sent and did not get here. */
  | {
      readonly t: 'channel.items'
      readonly turn: string
      readonly channel: number
      readonly items: string[]
      readonly lost: number
    }
  /** The oldest batch that this channel sent and that was not taken yet is. */
  | { readonly t: 'channel.taken'; readonly turn: string; readonly channel: number }
  /** The turn waits for people and goes on in another life, or later in this one: nothing of it is answered, aborted or rejected. */
  | { readonly t: 'release'; readonly turn: string }
  /** The attempt is over for core: abort its signal, drop what it still does. */
  | { readonly t: 'cancel'; readonly turn: string; readonly reason: string }

export type { WriteSet }
