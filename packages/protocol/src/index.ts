export {
  type ContextPatch,
  contextPatchSchema,
  doubtDecisionSchema,
  forkSchema,
  grantSchema,
  redeliverySchema,
  requestDecisionSchema,
  rewindSchema,
  secretPatchSchema,
} from './bodies.ts'
export { builtinTools } from './builtin-tools.ts'
export { type Client, type ClientOptions, createClient, type JournalQuery, type ProcessVerb } from './client.ts'
export * from './envelope.ts'
export * from './errors.ts'
export * from './exit-cause.ts'
export { exitCodeOf, exitCodes } from './exit-codes.ts'
export { type FaultPoint, faultPoint, faultPoints, observeFaultPoints } from './fault-point.ts'
export * from './ids.ts'
export { type Json, nestsDeeper } from './json.ts'
export { limits } from './limits.ts'
export { type AllowedHost, allowedHost } from './manifest/allowed-host.ts'
export {
  type BudgetDocument,
  type BudgetPatch,
  type LimitField,
  limitRows,
  limitsOf,
} from './manifest/budget.ts'
export { checkBudgetPatch } from './manifest/budget-checks.ts'
export { type ConfigurationDocument, checkConfiguration, configurationSchema } from './manifest/configuration.ts'
export { parseDuration } from './manifest/duration.ts'
export { checkManifest, describeFound, type ManifestCheck, type ManifestProblem } from './manifest/problems.ts'
export type { ProviderDocument } from './manifest/providers.ts'
export { type ManifestDocument, manifestSchema, type TriggerDocument } from './manifest/schema.ts'
export { type SimRule, simRulesSchema } from './manifest/sim.ts'
export type {
  Conversation,
  ConversationMessage,
  ConversationWrites,
  EmbedReply,
  EmbedRequest,
  ModelMessage,
  ModelReply,
  ModelRequest,
  ModelUsage,
  OfferedTool,
  Thinking,
  ToolRequest,
} from './model.ts'
export type * from './models-view.ts'
export type * from './ports/index.ts'
export { endlessSpace } from './ports/journal-store.ts'
export { type BodyReference, bodyPaths, isBodyReference } from './record-bodies.ts'
export {
  type AcceptedEvent,
  type Amounts,
  eventsOf,
  type Outcome,
  type RecordedError,
  type WriteSet,
} from './record-shapes.ts'
export * from './records.ts'
export { apiBase, type Role, type Route, type RouteId, roleFor, roles, routes } from './routes.ts'
export type * from './spend-views.ts'
export type { StandardSchema } from './standard-schema.ts'
export { stopLadder } from './stop-ladder.ts'
export { type TimerEntry, type TimerHeap, timerHeap } from './timer-heap.ts'
export { serverToolName, splitToolName, type ToolDeclaration, toolName } from './tool-declaration.ts'
export { recordVersion, upcast } from './upcast.ts'
export type * from './views.ts'
