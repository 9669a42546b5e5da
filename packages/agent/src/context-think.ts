import type { StandardSchema } from '@vigil/protocol'

/** What a model is asked. */
export interface ThinkRequest {
  /** What it shall do, in words of the author: the model follows it. */
  readonly prompt?: string
  /** A text, or JSON, that it works with. It reaches the model between fences, as data that gives no instructions. */
  readonly data?: unknown
  /** What was said before the prompt, instead of the agent's instructions. */
  readonly messages?: readonly ThinkMessage[]
}

export interface ThinkMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface ThinkOptions<Output = unknown> {
  /**
   * Tools that the model may call: those of the module, of servers and built-in ones by their names or globs (`'*'`: all that the manifest
   * offers), or tools of the module themselves. Default none.
   */
  readonly tools?: readonly (string | { readonly name: string })[]
  /** A schema of a library, such as `z.object({…})`, or a JSON Schema: the answer is JSON that fits it, as `output`. */
  readonly schema?: StandardSchema<Output> | Readonly<Record<string, unknown>>
  /** Calls of the model at most, 1 to 100; default 20. In the last one it is offered no tools. */
  readonly maxSteps?: number
  /** Instead of that of the manifest: `provider:model`. */
  readonly model?: string
  /** The model sees what earlier turns said, and what is said now is added when the turn completes. Default false. */
  readonly conversation?: boolean
}

/** A call of a tool as the model made it, and what it was told of it. */
export interface ThoughtToolCall {
  readonly name: string
  readonly input: unknown
  readonly outcome:
    | { readonly ok: true; readonly value: unknown }
    | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } }
}

export interface Thought<Output = unknown> {
  /** What the model said last. */
  readonly text: string
  /** What the schema makes of it; without a schema undefined. */
  readonly output: Output
  /** All calls, in the order in which they were made. */
  readonly toolCalls: readonly ThoughtToolCall[]
  /** Of all calls of the model together. */
  readonly usage: {
    readonly inputTokens: number
    readonly outputTokens: number
    readonly modelCalls: number
    /** US dollars. */
    readonly cost: number
  }
  /** `stop`: it had said all. `length`: its answer was cut. `filter`: its provider held it back. `steps`: it had no more. `finish`: it called the tool. */
  readonly finishReason: 'stop' | 'length' | 'filter' | 'steps' | 'finish'
}

export interface AgentThinking {
  /**
   * Asks the model, lets it use tools, and gives what it says in the end. Each of its answers is recorded: a crash in the middle costs nothing
   * and repeats nothing. What a tool refuses or throws goes back to the model as data.
   * @throws BUDGET_EXCEEDED · OUTPUT_INVALID the answer does not fit the schema, also when asked once more · MODEL_NOT_FOUND
   * @example
   * const { output } = await ctx.think({ prompt: 'Sort this ticket.', data: event.payload }, {
   *   schema: z.object({ team: z.enum(['billing', 'support']), urgent: z.boolean() }),
   *   tools: ['search_memory'],
   * })
   */
  think<Output = unknown>(request: string | ThinkRequest, options?: ThinkOptions<Output>): Promise<Thought<Output>>
}
