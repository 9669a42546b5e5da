import type { JournalDamage, SpaceState } from '@vigil/protocol'
import type {
  AgentHandle,
  Doubt,
  DoubtDecision,
  HookReply,
  HookRequest,
  ModelSurvey,
  OpenRequest,
  RecoveryReport,
  RequestDecision,
  RequestsQuery,
  Spend,
  TreeNode,
} from '@vigil/supervisor'

/** What the REST face needs of a supervisor; `Supervisor` fits, and so does anything that acts like one. */
export interface RuntimeSurface {
  get(name: string): AgentHandle
  list(): readonly AgentHandle[]
  tree(): readonly TreeNode[]
  publish(topic: string, data: unknown): Promise<{ readonly eventId: string }>
  doubts(): Promise<readonly Doubt[]>
  resolveDoubt(id: string, decision: DoubtDecision): Promise<void>
  /** No agent reaches this port of this machine until the returned function is called. `isOpen`: it asks for no token. */
  guardPort(port: number, options?: { readonly isOpen?: boolean }): () => void
  requests(query?: RequestsQuery): Promise<readonly OpenRequest[]>
  decide(id: string, decision: RequestDecision, by: string): Promise<void>
  /** Of all agents, or those that are wanted. */
  spend(isWanted?: (name: string) => boolean): Promise<Spend>
  /** Of all agents, or those that are wanted. */
  models(options?: { readonly probes?: boolean; readonly isWanted?: (name: string) => boolean }): Promise<ModelSurvey>
  confirmClock(by?: string): Promise<void>
  deliverHook(request: HookRequest): Promise<HookReply>
  readonly report: RecoveryReport
  readonly ready: boolean
  /** How much the disk takes. */
  readonly space: SpaceState
  readonly damaged: readonly JournalDamage[]
  readonly dataDir: string
}
