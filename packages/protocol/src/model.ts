import { z } from 'zod'
import { toolName } from './tool-declaration.ts'

/** What guest, gate and gateway say to each other of models, whichever provider answers. */

/** A call of a tool that a model asks for. `arguments` is the text as the model wrote it: it may be no JSON at all. */
const toolRequestSchema = z.strictObject({
  id: z.string().max(256),
  name: z.string().max(256),
  arguments: z.string(),
})
export type ToolRequest = z.infer<typeof toolRequestSchema>

const modelMessageSchema = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), text: z.string() }),
  z.strictObject({ role: z.literal('user'), text: z.string() }),
  z.strictObject({ role: z.literal('assistant'), text: z.string(), calls: z.array(toolRequestSchema).optional() }),
  /** What came of the call with this id. */
  z.strictObject({ role: z.literal('tool'), id: z.string().max(256), text: z.string() }),
])
export type ModelMessage = z.infer<typeof modelMessageSchema>

const offeredToolSchema = z.strictObject({
  name: z.string().regex(toolName),
  description: z.string().optional(),
  parameters: z.record(z.string(), z.unknown()).optional().describe('JSON Schema of the input'),
  read_only: z.boolean().optional().describe('calls that stand together may run side by side'),
})
/** A tool as a model is told of it. */
export type OfferedTool = z.infer<typeof offeredToolSchema>

/** `purpose` says for what: a thought of the turn, the summary of a conversation, a verdict. Simulated models answer by it, too. */
export const modelRequestSchema = z.strictObject({
  /** Canonical: `provider:model`. */
  model: z.string().min(1).max(256),
  messages: z.array(modelMessageSchema).min(1).max(2_000),
  tools: z.array(offeredToolSchema).max(512).optional(),
  tool_choice: z.enum(['auto', 'required', 'none']).optional(),
  /** A JSON Schema that the text has to fit. */
  schema: z.record(z.string(), z.unknown()).optional(),
  max_output_tokens: z.int().min(1).max(1_000_000),
  purpose: z.enum(['turn', 'summary', 'repair', 'judge']),
})
export type ModelRequest = z.infer<typeof modelRequestSchema>

export const embedRequestSchema = z.strictObject({
  model: z.string().min(1).max(256),
  texts: z.array(z.string().min(1)).min(1).max(256),
})
export type EmbedRequest = z.infer<typeof embedRequestSchema>

/** Tokens of one call. `estimated`: the provider did not say, and bytes stand for tokens. */
export interface ModelUsage {
  readonly input: number
  readonly output: number
  /** Of `input`. */
  readonly cache_read?: number
  readonly cache_write?: number
  readonly estimated?: true
}

/** The answer of a model, as it is recorded. */
export interface ModelReply {
  readonly text: string
  /** In the order in which the model asks for them; empty: none. */
  readonly calls: readonly ToolRequest[]
  readonly finish: 'stop' | 'tools' | 'length' | 'filter'
  readonly usage: ModelUsage
  /** US dollars. */
  readonly usd: number
  /** As the provider calls what answered. */
  readonly model: string
  /** No model has thought this. */
  readonly simulated?: true
}

export interface EmbedReply {
  /** One for each text: 32-bit floats, little-endian, as base64. */
  readonly vectors: readonly string[]
  readonly usage: ModelUsage
  readonly usd: number
  readonly model: string
  readonly simulated?: true
}

/** Model and instructions of a turn, fixed when it begins. `window`: what is shown of its conversation; absent in what was deployed before it could be said. */
const thinkingSchema = z.strictObject({
  model: z.string(),
  instructions: z.string(),
  max_output_tokens: z.int().min(1),
  window: z.strictObject({ messages: z.int().min(1), tokens: z.int().min(1) }).optional(),
})
export type Thinking = z.infer<typeof thinkingSchema>

/** What a process remembers of its turns, and what stands for those that it let go. */
export const conversationSchema = z.strictObject({
  summary: z.string(),
  /** `n` counts up from 1 and is never given twice. */
  messages: z.array(z.strictObject({ n: z.int(), message: modelMessageSchema })).readonly(),
  /** Of the newest message that `summary` stands for; 0: none. */
  upto: z.int(),
  /** Of the newest message that was ever there. */
  last: z.int(),
})
export type Conversation = z.infer<typeof conversationSchema>
export type ConversationMessage = Conversation['messages'][number]

/** Of a write set: messages that the turn adds, and what it let go: all up to `upto`, for which `summary` stands. */
export const conversationWritesSchema = z.strictObject({
  append: z.array(modelMessageSchema).max(2_000),
  summary: z.string().max(64_000).optional(),
  upto: z.int().min(0).optional(),
})
export type ConversationWrites = z.infer<typeof conversationWritesSchema>
