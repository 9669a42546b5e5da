import type { ExitCause } from '../exit-cause.ts'

/** One bundled CommonJS module: `hash` is the hex SHA-256 of `code`. */
export interface Bundle {
  readonly hash: string
  readonly code: string
  /**
   * V8's cache of the compiled code, base64. Ring 0 makes it, and no guest: V8 runs what stands in it without a look, so who writes one
   * is bound by no permission.
   */
  readonly codeCache?: string
}

/** Rights of an agent that reach past the gate: no budget, no journal and no once-only binds what is done with them. */
export interface Permissions {
  readonly rawNetwork: boolean
  /** Absolute paths; a folder counts with all that lies in it. */
  readonly fsRead: readonly string[]
  readonly fsWrite: readonly string[]
  readonly childProcess: boolean
  /** The folder from where native modules are looked for; undefined: none may be loaded. */
  readonly addons?: string | undefined
}

/** Everything needed to give an agent one life. */
export interface GuestSpec {
  readonly process: string
  readonly epoch: number
  /** Whose cell it may share; undefined: it gets a cell of its own, under node's permissions as a process. */
  readonly trustGroup?: string | undefined
  /** Undefined: none. With any it sits in a cell of its own. */
  readonly permissions?: Permissions | undefined
  /** The guest half of the system calls, the same for every agent. */
  readonly runtime: Bundle
  /** The agent's own module. */
  readonly module: Bundle
  /**
   * What it may grow by above its size when it was ready: resident memory of the cell if it is its own, else heap and Buffers of
   * the guest's thread.
   */
  readonly memoryMb: number
  /** The longest time that the guest's own event loop may not answer. */
  readonly heartbeatTimeoutMs: number
  /** From launch to `started`; past it the cell is killed with cause `start_timeout`. */
  readonly startTimeoutMs: number
  /** It may be lent bytes of secrets: it sits in a cell of its own. */
  readonly lends?: boolean
  /** Environment that the agent sees as `ctx.env`; the cell's own environment stays empty. */
  readonly env: Readonly<Record<string, string>>
}

/** What a launcher tells about one guest. `exited` comes exactly once and last. */
export interface GuestListener {
  /** The cell is up and the guest thread runs; the module is not yet loaded (the guest says that itself). */
  started(facts: { readonly pid: number; readonly idleRssBytes: number }): void
  /** One string that the guest posted. Not trusted: may be anything up to `maxMessageBytes`. */
  message(text: string): void
  exited(cause: ExitCause): void
}

/** How a guest is, as far as that is seen from outside: also while its code runs without a pause. */
export interface GuestVitals {
  /** What it grew by since it was ready. */
  readonly memoryMb: number
  /** How busy its loop was of late, 0 to 1. */
  readonly loop: number
  /** Milliseconds since its loop was last at rest. */
  readonly busyMs: number
}

/** One living guest. Calls after its exit do nothing. */
export interface Guest {
  /** Undefined before it has started, and when it is gone. */
  readonly vitals: GuestVitals | undefined
  post(text: string): void
  /** Puts a copy of these bytes into memory that the guest's cell shares with it. Only for one that was launched to be lent any. */
  lend(id: number, bytes: Uint8Array): void
  /** Zeroes that memory, whatever the guest does. */
  takeBack(id: number): void
  /** Climbs the ladder: ask, after `graceMs` terminate the thread, 500 ms later SIGKILL the cell's group. */
  stop(graceMs: number): void
  /**
   * SIGKILL to the group of its own cell at once; in a shared one the thread is terminated, and the cell only if it does not let
   * go of the thread within 500 ms. `cause` is what `exited` will report.
   */
  kill(cause: ExitCause): void
}

/** Starts guests in cells of their own making. The simulated twin runs them as coroutines. */
export interface CellLauncher {
  launch(spec: GuestSpec, listener: GuestListener): Guest
  /** Ends cells that an earlier supervisor on the same data directory left behind; returns how many. */
  endOrphans(): Promise<number>
  /** Kills every living cell and waits, bounded, until they are gone. */
  close(): Promise<void>
}
