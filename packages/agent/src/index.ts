export {
  type AgentContext,
  type AgentDefinition,
  type AgentEvent,
  type AgentFiles,
  type AgentModule,
  type AgentRun,
  type AgentState,
  type AgentTools,
  type Channel,
  type Down,
  defineAgent,
  defineTool,
  type RequestOptions,
  type SecretHandle,
  type SendOptions,
  type StandardSchema,
  type StepAnswer,
  type StepOptions,
  type StepRun,
  type Tool,
  type ToolContext,
} from './context.ts'
export type { Approval, ApprovalRequest, HumanQuestion } from './context-people.ts'
export type {
  AgentThinking,
  ThinkMessage,
  ThinkOptions,
  ThinkRequest,
  Thought,
  ThoughtToolCall,
} from './context-think.ts'
export type { AgentMemory, MemoryEntry } from './memory.ts'
