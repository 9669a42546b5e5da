export { idlePolicies, type ToolRules, toolRules, unpricedTools } from './gate/tools/rules.ts'
export type * from './history-surface.ts'
export {
  type CellsConfiguration,
  type Configuration,
  configurationFile,
  defaultCells,
  defaultJournal,
  type JournalConfiguration,
  loadConfiguration,
  readConfiguration,
} from './manifests/configuration.ts'
export { type LoadedManifest, loadManifests, readManifests } from './manifests/load.ts'
export type { Manifest, SecretReference, Trigger } from './manifests/manifest.ts'
export { parseManifestText } from './manifests/parse.ts'
export { type PlacedProblem, problemLine } from './manifests/problem-report.ts'
export { nextFires } from './manifests/schedule.ts'
export type { SpawnSpec, TriggerSpec } from './manifests/spec.ts'
export { cron, customTrigger, fileWatch, onEvent, onMessage, webhook } from './manifests/trigger-builders.ts'
export { examineModel, type ModelExamined } from './models/examine-model.ts'
export { type Described, describeModules } from './operations/describe.ts'
export type { Ports } from './runtime/ports.ts'
export type { Group } from './supervision/groups.ts'
export { type StartOptions, Supervisor } from './supervisor.ts'
export type * from './surface.ts'
export type { EmitOptions, Listening, TriggerType, TriggerTypes } from './triggers/custom/trigger-type.ts'
