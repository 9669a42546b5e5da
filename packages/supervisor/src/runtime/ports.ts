import type {
  Bundle,
  CellLauncher,
  Clock,
  Compute,
  FileSystem,
  FileWatcher,
  HttpClient,
  JournalStore,
  Random,
} from '@vigil/protocol'

/** Everything real that ring 0 may touch. The seeded world gives it the simulated twins. */
export interface Ports {
  readonly clock: Clock
  readonly random: Random
  readonly fileSystem: FileSystem
  readonly fileWatcher: FileWatcher
  readonly http: HttpClient
  readonly compute: Compute
  readonly cells: CellLauncher
  readonly journal: JournalStore
  /** The guest half of the system calls, bundled once. */
  readonly guestRuntime: Bundle
}
