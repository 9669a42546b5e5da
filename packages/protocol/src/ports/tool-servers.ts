import type { BrokeredSecret } from './http-client.ts'

/** Where a server of tools is: a program that is started for it, or a URL. */
export type ServerAddress =
  | {
      readonly kind: 'stdio'
      readonly command: string
      readonly args: readonly string[]
      /** All that its environment holds beside PATH and HOME. */
      readonly env: Readonly<Record<string, string>>
      readonly directory: string
    }
  | {
      readonly kind: 'http'
      readonly url: string
      /** May hold placeholders of `secrets`. */
      readonly headers: Readonly<Record<string, string>>
      readonly secrets: readonly BrokeredSecret[]
    }

/** A tool as its server describes it; nothing of it is believed. */
export interface ServerTool {
  readonly name: string
  readonly description?: string
  readonly inputSchema?: Readonly<Record<string, unknown>>
  readonly annotations?: {
    readonly readOnlyHint?: boolean
    readonly idempotentHint?: boolean
    readonly destructiveHint?: boolean
  }
}

/** What a tool gave, as far as a record takes it. */
export interface ServerToolResult {
  /** The texts of its content, joined. */
  readonly content: string
  readonly structured?: unknown
  /** What is no text, by its type and size. */
  readonly other?: readonly { readonly type: string; readonly bytes: number }[]
  /** The tool says that it failed. */
  readonly is_error?: true
}

/** What a connection tells. `ended` comes exactly once and last, also when it never came to be `ready`; a program may take longer to go. */
export interface ServerListener {
  /** It is connected and has these tools; again when they have changed. */
  ready(tools: readonly ServerTool[]): void
  /** What a program wrote to its stderr. */
  output(text: string): void
  ended(reason: string): void
}

/** Calls after its end reject. */
export interface ServerConnection {
  /**
   * Rejects with SERVER_UNAVAILABLE when the call surely did not reach the tool, with SERVER_FAILED when nobody knows, TOO_LARGE when what it gave
   * is too large; with the reason of `signal` when that aborts: then the server is told that nobody waits.
   */
  call(tool: string, input: unknown, signal: AbortSignal): Promise<ServerToolResult>
  /** Asks it to end, then makes it. Resolves when nothing of it is left. */
  close(): Promise<void>
}

/** Whose server it is, by the names that people know. */
export interface ServerOf {
  readonly process: string
  readonly server: string
}

/** Clients of the Model Context Protocol, one for each connection. */
export interface ToolServers {
  /** Begins at once, and takes its time: whoever waits sets the deadline. */
  connect(of: ServerOf, address: ServerAddress, listener: ServerListener): ServerConnection
  close(): Promise<void>
}
