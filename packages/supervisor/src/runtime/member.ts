import type { AgentProcess } from '../processes/agent-process.ts'
import type { TriggerSet } from '../triggers/trigger-set.ts'

/** One process and the triggers that wake it. */
export interface Member {
  readonly process: AgentProcess
  readonly triggers: TriggerSet
}
