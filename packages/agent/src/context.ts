import type { AcceptedEvent, ExitCause, StandardSchema } from '@vigil/protocol'
import type { Approval, ApprovalRequest, HumanQuestion } from './context-people.ts'
import type { AgentThinking } from './context-think.ts'
import type { AgentMemory } from './memory.ts'

export type { StandardSchema } from '@vigil/protocol'

/** What woke the agent, with the names of the code; payload and metadata are as sent. */
export interface AgentEvent<Payload = unknown> {
  readonly eventId: string
  readonly triggerId: string
  readonly type: AcceptedEvent['type']
  /** ISO wall time. */
  readonly timestamp: string
  readonly payload: Payload
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface StepOptions {
  /**
   * Begin at most once: when a crash comes in the middle, or its timeout, the step rejects EFFECT_IN_DOUBT instead of running
   * again. Default false: after a crash it is run again.
   */
  readonly once?: boolean
  /** With `once`: running it again does no harm, so it is run again. Default false. */
  readonly idempotent?: boolean
  /**
   * Tries after the first, 0 to 100; default 0. Between them the turn sleeps 2 s, 4 s … up to 60 s, each less up to a quarter. What a
   * failed try did through `ctx` is done again by the next. Not tried again: an error with `retry: false`. With `once` only if `idempotent`.
   */
  readonly retries?: number
  /**
   * Milliseconds or `'30s'`, for each try; default none. Past it the step rejects STEP_TIMEOUT, `signal` aborts, and what the work still
   * calls rejects ABORTED. Vigil cannot stop it.
   */
  readonly timeout?: number | string
  /**
   * With `once`: asked with the step's key when nobody knows whether it was done. `done: true` makes `value` the outcome,
   * `done: false` runs the step; when it throws or gives neither, the step rejects EFFECT_IN_DOUBT.
   */
  readonly reconcile?: (key: string) => StepAnswer | Promise<StepAnswer>
}

export type StepAnswer = { readonly done: true; readonly value?: unknown } | { readonly done: false }

/** The work of a step. `key` is stable for (process, turn, step): give it to the other side as idempotency key. */
export type StepRun<T> = (step: {
  readonly key: string
  /** Which try, from 1. */
  readonly attempt: number
  /** Aborts at the timeout of the step, or when the turn is over. */
  readonly signal: AbortSignal
}) => T | Promise<T>

/**
 * Committed state as it was when the attempt began, plus the turn's own writes: others see them when the turn has completed, nobody
 * if it fails. All calls but `history` are synchronous. Writes throw STATE_DENIED outside of `context.writable_keys`, INVALID_STATE inside a step.
 */
export interface AgentState {
  get<T = unknown>(key: string): T | undefined
  get<T>(key: string, fallback: T): T
  /** JSON up to 256 KB. @throws TOO_LARGE */
  set(key: string, value: unknown): void
  delete(key: string): void
  /**
   * `change` must be pure: when another turn has committed the key meanwhile, it is called again with what stands there then.
   * Giving undefined deletes the key. @throws STATE_CONFLICT, as the attempt, when others are quicker 8 times
   */
  update<T>(key: string, change: (value: T | undefined) => T | undefined): void
  /** Applied at commit to what stands there then, so concurrent turns do not undo each other. */
  add(key: string, amount: number): void
  append(key: string, ...items: readonly unknown[]): void
  keys(): string[]
  /** What was committed, oldest first, at most 100: null when deleted; `source` a turn id or who patched; `overwrote` whose value was replaced unread. */
  history(
    key: string,
  ): Promise<{ readonly at: string; readonly value: unknown; readonly source: string; readonly overwrote?: string }[]>
}

/** What a tool gets beside its input: the context of its turn. */
export interface ToolContext extends AgentContext {
  /** Aborts at the timeout of the tool, or when the turn is over. */
  readonly signal: AbortSignal
  /** Stable for (process, turn, call): give it to the other side as idempotency key. */
  readonly key: string
}

/** A function that an agent, and later a model, may call by name. Its policy stands in the manifest under `tools`. */
export interface Tool<Input = unknown, Result = unknown> {
  /** A letter, then up to 63 letters, digits, `_` or `-`. */
  readonly name: string
  /** What it does and when to use it. */
  readonly description?: string
  /** A schema of a library, such as `z.object({…})`: `run` gets what it makes of the input. */
  readonly input?: StandardSchema<Input>
  /** Or a JSON Schema. */
  readonly parameters?: Readonly<Record<string, unknown>>
  /** Begin a call at most once: when a crash comes in the middle, or its timeout, it rejects EFFECT_IN_DOUBT. Default: it is run again. */
  readonly once?: boolean
  /** With `once` or `irreversible`: running it again under the same `ctx.key` does no harm, so it is run again. */
  readonly idempotent?: boolean
  /** It cannot be undone: like `once`, and in doubt the turn waits for a person, whether the error is caught or not. */
  readonly irreversible?: boolean
  /** Every call needs an approval. */
  readonly needsApproval?: boolean
  /** It changes nothing: calls that a model makes together run side by side. */
  readonly readOnly?: boolean
  /** Default none. Past it the call rejects TOOL_TIMEOUT, `ctx.signal` aborts, and what it still calls rejects ABORTED. */
  readonly timeoutMs?: number
  /** US dollars a call; default 0. */
  readonly cost?: number
  /** JSON up to 1 MB. What it calls through `ctx` stands on record under the call. */
  run(input: Input, ctx: ToolContext): Result | Promise<Result>
  /** With `once` or `irreversible`: asked when nobody knows whether the call with this key was done. */
  reconcile?(key: string, input: Input): StepAnswer | Promise<StepAnswer>
}

/** The tools of the module, and those of the MCP servers of the manifest as `server__tool`. */
export interface AgentTools {
  /**
   * Checks the input, asks the gate, runs the tool and records what it gives; after a crash, and in the next attempt, the record answers.
   * @throws TOOL_NOT_FOUND · TOOL_INPUT_INVALID · TOOL_DENIED · TOOL_LIMIT · TOOL_TIMEOUT · EFFECT_IN_DOUBT · of a server: SERVER_UNAVAILABLE · SERVER_FAILED
   */
  call<Result = unknown>(name: string, input?: unknown): Promise<Result>
}

/** The folders and files that the manifest names under `files`; the first segment of a path is the mount. */
export interface AgentFiles {
  read(path: string): Promise<string>
  read(path: string, options: { readonly encoding: 'bytes' }): Promise<Uint8Array>
  /** Replaces the whole file, atomically; makes the folders on the way. */
  write(path: string, content: string | Uint8Array): Promise<void>
  list(path: string): Promise<{ readonly name: string; readonly size: number }[]>
}

/** How a life ended. */
export interface Down {
  readonly process: string
  /** Of the life; absent with `noproc`. */
  readonly epoch?: number
  readonly cause: ExitCause | { readonly kind: 'noproc' }
}

export interface SendOptions {
  readonly topic?: string
  /** Among the events that wait: `high` before `normal` (default) before `low`, in order of arrival within each. */
  readonly priority?: 'high' | 'normal' | 'low'
  /** Milliseconds, or `'30s'`: a message whose turn has not begun by then never begins. */
  readonly ttl?: number | string
}

/** Stands for a secret wherever a string goes. */
export interface SecretHandle {
  readonly name: string
  toString(): string
  toJSON(): string
}

export interface RequestOptions {
  readonly topic?: string
  /** Milliseconds, or `'30s'`; default 60 s. A request that has not been begun by then never begins. */
  readonly timeout?: number | string
}

/**
 * One end of a channel, for this turn; `for await (const item of channel)` reads until it is closed. An item is JSON up to 64 KB. Nothing
 * that is sent is kept: who opens the name later has not heard it.
 */
export interface Channel<Item = unknown> extends AsyncIterable<Item> {
  readonly name: string
  /** Items that others sent and that this turn did not get, because it read too slowly. */
  readonly lost: number
  /**
   * To everyone else who has the name open now. Not awaited. False when it was not sent, because 1,024 items or 1 MB sent before
   * have not been taken yet: wait a moment, and try again. @throws TOO_LARGE · INVALID_STATE when it is closed
   */
  send(item: Item): boolean
  /** @throws INVALID_STATE when it is closed */
  receive(): Promise<Item>
  /** Iterations end, and what came and was not read is gone. The end of the turn closes it, too. */
  close(): void
}

type Log = (message: string, fields?: unknown) => void

/**
 * All that an agent can do. Every promise is a system call that is journaled: after a crash it is
 * answered from the record instead of being done again.
 *
 * @example
 * export default async function run(event, ctx) {
 *   const rows = await ctx.step('parse', () => parse(event.payload))
 *   ctx.state.add('rows', rows.length)
 *   await ctx.publish('pipeline.parsed', { rows: rows.length })
 * }
 */
export interface AgentContext extends AgentThinking {
  readonly process: string
  /** `epoch` is that of this life and changes at a restart: an effect that is called with it becomes another effect. */
  readonly turn: { readonly id: string; readonly attempt: number; readonly epoch: number }
  /** Aborts when core has ended the turn. */
  readonly signal: AbortSignal
  readonly log: { readonly debug: Log; readonly info: Log; readonly warn: Log; readonly error: Log }
  readonly env: Readonly<Record<string, string>>
  readonly state: AgentState
  readonly files: AgentFiles
  readonly memory: AgentMemory
  readonly tools: AgentTools
  /** Milliseconds since 1970; the same after a crash: the time of the latest outcome that the turn has seen. */
  now(): number
  /** In [0, 1); the same after a crash. */
  random(): number
  /** A version 4 UUID; the same after a crash. */
  uuid(): string
  /**
   * Runs `work` and records what it gives, as JSON; after a crash the record answers. Names are counted, so loops are fine. State is
   * written behind a step and not inside: what the record answers is not run. An error keeps its name, message and code.
   * @throws STEP_TIMEOUT · EFFECT_IN_DOUBT · INVALID_ARGUMENT for options that contradict each other
   * @example
   * const charge = await ctx.step('charge', ({ key, signal }) => bank.charge(order, { key, signal }), {
   *   once: true, timeout: '20s', reconcile: async (key) => {
   *     const found = await bank.find(key)
   *     return found ? { done: true, value: found } : { done: false }
   *   } })
   */
  step<T>(name: string, work: StepRun<T>, options?: StepOptions): Promise<Awaited<T>>
  /** Milliseconds, or `'30s'`, `'5m'`, `'4h'`, `'7d'`. After a crash only the rest is waited. */
  sleep(duration: number | string): Promise<void>
  /**
   * A secret of the manifest, by name. The agent never holds it: in a string the handle is a placeholder, in whose place Vigil sends the
   * secret, in the URL, a header or the body of a `fetch`, to the hosts of the secret only.
   * @throws SECRET_DENIED · SECRET_MISSING, both from the fetch
   * @example
   * await ctx.fetch('https://api.example.com/me', { headers: { 'x-api-key': `${ctx.secret('api')}` } })
   */
  secret(name: string): SecretHandle
  readonly secrets: {
    /**
     * The bytes of a secret that the manifest lends (`lease: true`), for as long as `use` runs: then they are zeroed, and also when the secret is revoked
     * or the turn is over. On record is only that they were lent: like all code between steps `use` runs again when the turn is replayed.
     * @throws SECRET_DENIED · SECRET_MISSING
     * @example
     * const signature = await ctx.secrets.lease('signing', (key) => createHmac('sha256', key).update(body).digest('hex'))
     */
    lease<T>(name: string, use: (bytes: Uint8Array) => T | Promise<T>): Promise<T>
  }
  /** The value of an `authorization` header. @example { headers: { authorization: ctx.bearer(ctx.secret('github')) } } */
  bearer(secret: SecretHandle): string
  /** Like `fetch`, to the hosts of `network.allow`. `idempotent: true` lets Vigil repeat it after a crash. @throws NETWORK_DENIED · EFFECT_IN_DOUBT */
  fetch(
    url: string | URL | Request,
    init?: RequestInit & { readonly idempotent?: boolean; readonly timeout?: number },
  ): Promise<Response>
  /** Resolves when every subscriber of this instant has the event for good. */
  publish(topic: string, data: unknown): Promise<void>
  /** To one process, which has a message trigger for it. Resolves when it is in its mailbox. @throws PROCESS_NOT_FOUND · MAILBOX_FULL */
  send(process: string, content: unknown, options?: SendOptions): Promise<void>
  /**
   * The same, and waits for the result of the receiver's turn, also across crashes of either side and of Vigil itself. The wait is no
   * running time. @throws REQUEST_FAILED its turn ended without a result · REQUEST_TIMEOUT
   */
  request<Result = unknown>(process: string, content: unknown, options?: RequestOptions): Promise<Result>
  /**
   * Opens a channel to all turns of the fleet that have the same name open (segments parted by dots, no stars), at most 16 at a
   * time: in memory, in order per sender, and lossy for who reads slowly (`lost`). What is read is not on record, so the
   * turn is never evicted, its clock never stands, not even while it waits for an item, and a crash ends its attempt with
   * CHANNEL_INTERRUPTED; the next one opens the channel anew. @throws INVALID_ARGUMENT · TOO_LARGE
   * @example
   * const prices = ctx.channel<{ symbol: string; price: number }>('prices.eu')
   * for await (const { symbol, price } of prices) {
   *   if (price > 100) return { symbol, price, missed: prices.lost }
   * }
   */
  channel<Item = unknown>(name: string): Channel<Item>
  /**
   * Waits for the end of the life that the process has now: resolves once, with its cause, also across crashes of Vigil itself;
   * at once with `noproc` if there is no such process or it has no life. Waiting is no running time.
   */
  monitor(process: string): Promise<Down>
  /**
   * Asks people to agree, and waits for one of them, across any number of restarts. The wait holds no thread: the guest may let go
   * of the turn, which is replayed when somebody has decided. One decision is for this action with these details; other details ask anew.
   * @throws TOO_LARGE · REQUESTS_FULL
   * @example
   * const { approved, edits } = await ctx.approve({ action: 'pay', details: { iban, amount }, timeout: '4h' })
   * if (!approved) return 'not paid'
   */
  approve<Edits = unknown>(request: ApprovalRequest): Promise<Approval<Edits>>
  /** Asks people a question, and waits in the same way. @throws REQUEST_EXPIRED when nobody answers in time and there is no default */
  askHuman<Answer = string>(question: HumanQuestion): Promise<Answer>
  /** Ends the attempt; `retry: false` ends the turn. */
  fail(message: string, options?: { readonly retry?: boolean; readonly code?: string }): never
}

export type AgentRun<Payload = unknown, Result = unknown> = (
  event: AgentEvent<Payload>,
  ctx: AgentContext,
) => Result | Promise<Result>

export interface AgentDefinition<Payload = unknown, Result = unknown> {
  /** Checked before `run` begins, which gets what the schema makes of it; what does not fit is dead-lettered PAYLOAD_INVALID at once. */
  readonly payload?: StandardSchema<Payload>
  /** What `ctx.tools.call` and models may call. */
  // biome-ignore lint/suspicious/noExplicitAny: each tool has an input of its own
  readonly tools?: readonly Tool<any, any>[]
  /** Of an agent without `run`: what its model has to give as the result, a schema of a library or a JSON Schema. Default: what it says last. */
  readonly result?: StandardSchema<Result> | Readonly<Record<string, unknown>>
  /** Without it the model of the manifest runs: it is told of the event, may use all tools, and what it says in the end is the result. */
  readonly run?: AgentRun<Payload, Result>
}

/** What an entrypoint exports by default: a function, or an object. */
export type AgentModule<Payload = unknown, Result = unknown> =
  | AgentRun<Payload, Result>
  | AgentDefinition<Payload, Result>

/**
 * Gives an agent its types, by its schema if it has one; the value is returned as it is.
 *
 * @example
 * export default defineAgent({
 *   payload: z.object({ order: z.string(), amount: z.number() }),
 *   run: (event, ctx) => ctx.log.info(`${event.payload.order} over ${event.payload.amount}`),
 * })
 */
export function defineAgent<Payload = unknown, Result = unknown>(
  definition: AgentDefinition<Payload, Result>,
): AgentDefinition<Payload, Result> {
  return definition
}

/**
 * Gives a tool its types, by its schema if it has one; the value is returned as it is.
 *
 * @example
 * const charge = defineTool({
 *   name: 'charge',
 *   input: z.object({ order: z.string(), amount: z.number().positive() }),
 *   irreversible: true,
 *   cost: 0.05,
 *   run: ({ order, amount }, ctx) => ctx.fetch('https://pay.example.com/charges', { method: 'POST', body: JSON.stringify({ order, amount }) }).then((reply) => reply.json()),
 * })
 */
export function defineTool<Input = unknown, Result = unknown>(tool: Tool<Input, Result>): Tool<Input, Result> {
  return tool
}
