/** For the house's own tests and measurements: parts of ring 0 one by one. No promise is made about these names. */

export { snapshotRow } from './fold/checkpoint-row.ts'
export { touched } from './fold/touched.ts'
export { applyRecord, type World } from './fold/world.ts'
export { createGate } from './gate/gate.ts'
export { parseConfiguration } from './manifests/configuration.ts'
export { knownProviders } from './models/providers.ts'
export { systemClock } from './platform/clock.ts'
export { type CheckpointPolicy, checkpointer, checkpointPolicy } from './runtime/checkpointer.ts'
export { recordLog } from './runtime/record-log.ts'
export { recover } from './runtime/recovery.ts'
export { reportText } from './runtime/report-text.ts'
export { type Branch, branch } from './supervision/branch.ts'
export {
  type ChildInput,
  checkChild,
  checkChildren,
  checkFlags,
  type FlagsInput,
} from './supervision/tree/child-spec.ts'
export type * as SupervisorTypes from './supervision/tree/protocol.ts'
export { type SupervisorMachine, supervisorMachine } from './supervision/tree/supervisor.ts'
export * from './supervision/tree/tree.ts'
export { cronTrigger } from './triggers/cron-trigger.ts'
export { triggerId } from './triggers/event-id.ts'
export { payloadOf } from './triggers/webhook/payload.ts'
export { verify as verifySignature } from './triggers/webhook/schemes.ts'
