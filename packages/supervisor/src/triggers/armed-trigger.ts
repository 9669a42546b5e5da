import type { Clock, FileWatcher } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { HookSecrets } from './webhook/hook-secrets.ts'

/** A trigger that listens to the world for one process. */
export interface ArmedTrigger {
  /** When it will fire next, if it knows. */
  nextFire(): Date | undefined
  close(): Promise<void>
}

export interface TriggerParts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly watcher: FileWatcher
  readonly process: ProcessFold
  readonly secrets: HookSecrets
  /** An event could not be taken, or listening broke. */
  readonly failed: (error: Error) => void
}
