import type { lockDataDirectory } from '@vigil/journal'
import type {
  Bundle,
  CellLauncher,
  Clock,
  Compute,
  FileSystem,
  FileWatcher,
  HttpClient,
  JournalStore,
  LanguageModel,
  MachineFacts,
  Random,
  ToolServers,
} from '@vigil/protocol'

/** Everything real that ring 0 may touch. The seeded world gives it the simulated twins. */
export interface Ports {
  readonly clock: Clock
  readonly random: Random
  readonly fileSystem: FileSystem
  readonly fileWatcher: FileWatcher
  readonly http: HttpClient
  readonly toolServers: ToolServers
  readonly models: LanguageModel
  readonly compute: Compute
  readonly cells: CellLauncher
  readonly journal: JournalStore
  readonly machine: MachineFacts
  /** Keeps a second supervisor off a data directory; rejects with DATA_IN_USE. */
  readonly lock: typeof lockDataDirectory
  /** The guest half of the system calls, bundled once. */
  readonly guestRuntime: Bundle
}

/** What a runtime acts through once it is open. */
export type RuntimePorts = Omit<Ports, 'lock'>
