export type {
  Bundle,
  CellLauncher,
  Guest,
  GuestListener,
  GuestSpec,
  GuestVitals,
  Permissions,
} from './cell-launcher.ts'
export type { Clock, Timer } from './clock.ts'
export type { Compute } from './compute.ts'
export type { FileHandle, FileStat, FileSystem, OpenDirectory } from './file-system.ts'
export type { FileChange, FileWatch, FileWatcher, WatchSpec } from './file-watcher.ts'
export type { BrokeredSecret, HttpClient, HttpReply, HttpRequest } from './http-client.ts'
export type {
  BodyKeeper,
  BodySweep,
  Checkpoint,
  JournalDamage,
  JournalPage,
  JournalSpace,
  JournalStore,
  OpenReport,
  PageQuery,
  SpaceState,
  Urgency,
} from './journal-store.ts'
export type { EmbedCall, LanguageModel, ModelCall, ModelFailure, ModelProvider } from './language-model.ts'
export type { MachineFacts } from './machine.ts'
export type { Random } from './random.ts'
export type {
  ServerAddress,
  ServerConnection,
  ServerListener,
  ServerOf,
  ServerTool,
  ServerToolResult,
  ToolServers,
} from './tool-servers.ts'
