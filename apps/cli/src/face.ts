import type { ConnectionFlags, Surroundings } from './connection.ts'

/** What a verb has of its surroundings. Each prints a table for people, or JSON for scripts. */
export interface Face extends Surroundings {
  readonly print: (line: string) => void
  readonly stdin: () => Promise<string>
  /** Ends what follows without end. */
  readonly signal: AbortSignal
}

/** Flags that every verb takes. */
export interface GlobalFlags extends ConnectionFlags {
  readonly json?: true
}
