import type { Clock, StandardSchema } from '@vigil/protocol'
import type { Accepted, Refused } from '../../surface.ts'

/** A type of trigger of a program's own. */
export interface TriggerType<Options = Readonly<Record<string, unknown>>> {
  /** Of what stands beside `type` in a manifest; it has to answer at once. What it makes of them goes on record, so it has to be JSON. */
  readonly schema?: StandardSchema<Options>
  /**
   * Listens until `signal` aborts, which is when its promise should end. When it rejects, that is told and it is called again,
   * after 1 s at first and 60 s at most; when it resolves before, it has nothing more to tell.
   */
  arm(listening: Listening<Options>): Promise<void>
}

export interface Listening<Options = Readonly<Record<string, unknown>>> {
  /** The process whose trigger it is. */
  readonly process: string
  readonly trigger: Options
  /** Aborts when the process stops, or its manifest has another trigger. */
  readonly signal: AbortSignal
  readonly clock: Clock
  /**
   * Gives an event, whose type is that of the trigger. Resolves when it is on the disk: tell the other side then, and not before.
   * @throws MAILBOX_FULL, TOO_LARGE, INVALID_ARGUMENT for what is no JSON, ABORTED when it listens no more
   */
  emit(payload: unknown, options?: EmitOptions): Promise<Accepted | Refused>
}

export interface EmitOptions {
  /** The same key is the same event: it is taken once, and gets the first answer again. Kept 7 days. */
  readonly key?: string
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** By the name that manifests call them. */
// biome-ignore lint/suspicious/noExplicitAny: each type knows its own options, and its schema has made them
export type TriggerTypes = Readonly<Record<string, TriggerType<any>>>
