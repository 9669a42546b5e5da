export {
  type AgentContext,
  type AgentEvent,
  type AgentFiles,
  type AgentModule,
  type AgentRun,
  type AgentState,
  type Down,
  defineAgent,
  type RequestOptions,
  type SendOptions,
  type StepOptions,
} from './context.ts'
