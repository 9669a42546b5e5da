import type { Clock, FileWatcher, Random } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { TriggerTypes } from './custom/trigger-type.ts'
import type { HookSecrets } from './webhook/hook-secrets.ts'

/** A trigger that listens to the world for one process. */
export interface ArmedTrigger {
  /** When it will fire next, if it knows. */
  nextFire(): Date | undefined
  /** The wall clock was set: what it waits for by that clock is to be found anew. */
  clockStepped?(): void
  close(): Promise<void>
}

export interface TriggerParts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly watcher: FileWatcher
  readonly process: ProcessFold
  readonly secrets: HookSecrets
  /** A slot is due: a moment to see whether the wall clock was set. */
  readonly lookAtClock: () => void
  /** Ends an event that is not over: it is cancelled, and by `terminate` the life that works on it goes at once. */
  readonly end: (eventId: string, how: 'cancel' | 'terminate') => void
  readonly random: Random
  readonly triggerTypes: TriggerTypes
  /** Something that people may want to know, and that is in order. */
  readonly tell: (message: string) => void
  /** An event could not be taken, or listening broke. */
  readonly failed: (error: Error) => void
}
