/**
 * What the author of an agent imports: the types of a module and of the context that each turn gets. There is no
 * code here but an identity, so an agent that imports it bundles to nothing, and a plain function needs no import.
 */

/** What woke the agent. Names inside `payload` and `metadata` are as they were sent. */
export interface AgentEvent<Payload = unknown> {
  readonly eventId: string
  readonly triggerId: string
  readonly type: 'cron' | 'webhook' | 'file_watch' | 'event' | 'message' | 'manual' | 'mission' | 'question'
  /** ISO wall time. */
  readonly timestamp: string
  readonly payload: Payload
  readonly metadata: Readonly<Record<string, unknown>>
}

/** Goes to the agent's log with the turn it was written in; silent while a turn is replayed after a crash. */
export type AgentLog = Record<'debug' | 'info' | 'warn' | 'error', (message: string, fields?: Readonly<Record<string, unknown>>) => void>

/** One value that a key of the state once had; `source` is the turn or the program that set it. */
export interface StateVersion {
  readonly at: string
  readonly value: unknown
  readonly source: string
}

/**
 * The state as it was when the turn began, plus what this turn wrote; others see the writes when the turn has
 * completed. Values are JSON of at most 256,000 bytes: TOO_LARGE, INVALID_ARGUMENT.
 */
export interface AgentState {
  get<Value = unknown>(key: string): Value | undefined
  get<Value>(key: string, fallback: Value): Value
  set(key: string, value: unknown): void
  delete(key: string): void
  /** Sets what `change` makes of the present value, and returns it. */
  update<Value = unknown>(key: string, change: (value: Value | undefined) => Value): Value
  /** Adds to a number (0 if absent). Concurrent turns add up. Returns the sum as this turn sees it. */
  add(key: string, amount: number): number
  /** Appends to an array (empty if absent). Concurrent turns keep each other's items. */
  append(key: string, ...items: unknown[]): void
  keys(): string[]
  /** The last 100 values of a key, oldest first. */
  history(key: string): Promise<StateVersion[]>
}

/** Exactly the folders that the manifest names under `files`; the first segment of a path is that name. FILE_DENIED, FILE_FAILED. */
export interface AgentFiles {
  read(path: string): Promise<string>
  read(path: string, options: { readonly encoding: 'bytes' }): Promise<Uint8Array>
  /** Replaces the whole file or nothing. */
  write(path: string, content: string | Uint8Array): Promise<void>
  list(path: string): Promise<{ readonly name: string; readonly size: number }[]>
}

export interface StepOptions {
  /** Runs at most once, also when the machine dies in the middle: then EFFECT_IN_DOUBT. Default false: run again after a crash. */
  readonly once?: boolean
  /** With `once`: running it twice does no harm, so it is run again instead of being in doubt. */
  readonly idempotent?: boolean
}

export interface AgentFetchInit extends RequestInit {
  /** A call that may be repeated after a crash though its method says it may not. */
  readonly idempotent?: boolean
  /** Milliseconds for the whole exchange; default 30,000. */
  readonly timeoutMs?: number
}

export interface FailOptions {
  /** Whether the turn is tried again. Default false. */
  readonly retry?: boolean
  readonly code?: string
}

/**
 * All that a turn can do. Calls reject with an Error that carries `code`, `retryable` and `help`. Every outcome is
 * recorded: after a crash the turn runs again and gets the same outcomes in the same order.
 */
export interface AgentContext {
  readonly process: string
  readonly turn: { readonly id: string; readonly attempt: number; readonly epoch: number }
  /** Aborted when the attempt is over for the supervisor, for example by max_turn. */
  readonly signal: AbortSignal
  readonly log: AgentLog
  /** Milliseconds since 1970, the same after a crash. It stands still between calls. */
  now(): number
  /** In [0, 1), the same after a crash. */
  random(): number
  uuid(): string
  readonly state: AgentState
  readonly files: AgentFiles
  /** What the manifest's `context.env` lets through. */
  readonly env: Readonly<Record<string, string>>
  /** Runs `run` and records its JSON result: after that it is never run again in this turn. */
  step<Value>(name: string, run: () => Value | Promise<Value>, options?: StepOptions): Promise<Value>
  /** Survives restarts. Milliseconds, or `250ms`, `30s`, `5m`, `4h`, `7d`. */
  sleep(duration: number | string): Promise<void>
  /** The web's fetch, to the hosts of `network.allow`. `globalThis.fetch` is the same. NETWORK_DENIED, FETCH_FAILED, FETCH_TIMEOUT. */
  fetch(input: string | URL | Request, init?: AgentFetchInit): Promise<Response>
  /** Resolves when every subscriber of the topic is sure to get it. MAILBOX_FULL. */
  publish(topic: string, data: unknown): Promise<void>
  /** Resolves when the other process is sure to get it. PROCESS_NOT_FOUND, MAILBOX_FULL. */
  send(process: string, content: unknown, options?: { readonly topic?: string }): Promise<void>
  /** Ends the attempt as failed. */
  fail(message: string, options?: FailOptions): never
}

export type AgentFunction<Payload = unknown, Result = unknown> = (event: AgentEvent<Payload>, ctx: AgentContext) => Result | Promise<Result>

/** The default export of an entrypoint: a function, or an object that has one. The JSON it returns is the turn's result. */
export type AgentModule<Payload = unknown, Result = unknown> =
  | AgentFunction<Payload, Result>
  | { readonly run: AgentFunction<Payload, Result> }

/** Types an agent's definition; at run time it is the definition itself. */
export function defineAgent<Payload = unknown, Result = unknown>(definition: AgentModule<Payload, Result>): AgentModule<Payload, Result> {
  return definition
}
