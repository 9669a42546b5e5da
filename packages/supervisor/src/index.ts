export { Supervisor, type StartOptions } from './supervisor.ts'
export type { Manifest, Trigger } from './manifests/manifest.ts'
export type { SpawnSpec } from './manifests/spec.ts'
export type * from './surface.ts'
