import type { Conversation, ModelMessage, ModelReply, ModelRequest } from '@vigil/protocol'
import type { AgentContext, AgentEvent } from '../../context.ts'
import type { AgentThinking, ThinkOptions, ThinkRequest, Thought } from '../../context-think.ts'
import { codedError } from '../coded-error.ts'
import type { Effects } from '../effects.ts'
import { jsonCopy } from '../json.ts'
import type { GuestTool } from '../tool.ts'
import type { ContextParts } from '../turn-context.ts'
import { type TurnConversation, turnConversation } from './conversation.ts'
import { turnFence } from './fence.ts'
import { type Course, type CourseEnd, thinkThrough } from './loop.ts'
import { type OutputSchema, outputSchema } from './output.ts'
import { eventText, fencedData, promptOf, short, shortEvent, textOf } from './prompt.ts'
import { chosenTools, usableTools } from './toolbox.ts'

/** All thinking of one turn. */
export interface TurnThinking extends AgentThinking {
  /** The whole turn of an agent that has no code for it; its result. */
  turn(event: AgentEvent): Promise<unknown>
  writes: TurnConversation['writes']
}

export interface ThinkingParts {
  readonly message: ContextParts['message']
  readonly effects: Effects
  readonly tools: ReadonlyMap<string, GuestTool>
  /** Of the result of a turn without code. */
  readonly result: OutputSchema | undefined
  readonly context: () => AgentContext
  readonly warn: (message: string, fields: unknown) => void
}

const mostSteps = 100
const defaultSteps = 20
const mostOfData = 400_000
const noConversation: Conversation = { summary: '', messages: [], upto: 0, last: 0 }
/** Of a think of code whose manifest names no model. */
const without = { instructions: '', max_output_tokens: 4_096 }
const defaultWindow = { messages: 100, tokens: 32_000 }

export function turnThinking({ message, effects, tools, result, context, warn }: ThinkingParts): TurnThinking {
  const { thinking, salt = message.seed } = message
  const { instructions, max_output_tokens: maxOutputTokens } = thinking ?? without
  const fence = turnFence(salt)
  const generate = async (request: ModelRequest) => (await effects.counted('model.generate', request)) as ModelReply
  const usable = usableTools({ offered: thinking?.offered ?? [], tools, effects, context })

  const modelOf = (asked = thinking?.model): string => {
    if (asked !== undefined) return asked.replace(/^([a-z][a-z0-9_-]*)\//, '$1:')
    const message = 'there is no model to think with; add to the manifest: model: provider:model'
    throw Object.assign(codedError({ code: 'MODEL_NOT_FOUND', message }), { retry: false })
  }
  /** Made by the first that wants it: most code thinks without. */
  let talk: TurnConversation | undefined
  const conversation = (): TurnConversation => {
    talk ??= turnConversation({
      before: thinking?.conversation ?? noConversation,
      limits: thinking?.window ?? defaultWindow,
      model: modelOf(),
      ...{ maxOutputTokens, fence, generate, warn },
    })
    return talk
  }
  const course = (own: Pick<Course, 'model' | 'messages' | 'tools' | 'maxSteps' | 'output'>): Promise<CourseEnd> =>
    thinkThrough({ ...own, maxOutputTokens, fence, generate })

  return {
    async think<Output>(asked: string | ThinkRequest, options: ThinkOptions<Output> = {}) {
      const request = typeof asked === 'string' ? { prompt: asked } : asked
      const { maxSteps = defaultSteps, schema, conversation: remembers = false } = options
      if (!Number.isInteger(maxSteps) || maxSteps < 1 || maxSteps > mostSteps)
        throw invalid(`expected maxSteps from 1 to ${mostSteps}, found ${maxSteps}`)
      if (remembers && effects.inStep) throw withinStep()
      const model = modelOf(options.model)
      const spoken = spokenIn(request, (data) => fencedData('data', data, { fence, most: mostOfData }))
      const { summary, messages: window } = remembers ? await conversation().window() : nothing
      const own = request.messages === undefined ? instructions : ''
      const {
        said,
        finished: _,
        ...thought
      } = await course({
        model,
        messages: promptOf({ instructions: own, summary, window, messages: spoken }, fence),
        tools: chosenTools(options.tools ?? [], usable),
        maxSteps,
        output: schema === undefined ? undefined : outputSchema(schema),
      })
      if (remembers) conversation().add([{ role: 'user', text: short(textOf(promptAndData(request))) }, ...said])
      return thought as Thought<Output>
    },

    async turn(event) {
      const model = modelOf()
      const { summary, messages: window } = await conversation().window()
      const messages: ModelMessage[] = [{ role: 'user', text: eventText(event, fence) }]
      const names = new Set(thinking?.offered.map(({ name }) => name))
      const end = await course({
        model,
        messages: promptOf({ instructions, summary, window, messages }, fence),
        tools: new Map([...usable].filter(([name]) => names.has(name))),
        maxSteps: defaultSteps,
        output: result,
      })
      if (end.finishReason !== 'stop' && end.finishReason !== 'finish')
        warn(`the model did not come to an end of its own: ${end.finishReason}`, { modelCalls: end.usage.modelCalls })
      conversation().add([{ role: 'user', text: shortEvent(event) }, ...end.said])
      if (result !== undefined) return end.output
      return end.finished === undefined ? end.text : end.finished.input
    },

    writes: () => talk?.writes(),
  }
}

const nothing = { summary: '', messages: [] } as const

const promptAndData = ({ prompt, data }: ThinkRequest): unknown =>
  data === undefined ? (prompt ?? '') : { prompt, data }

/** What the author says, with what he gives to work with. @throws INVALID_ARGUMENT when he says nothing */
function spokenIn({ prompt, data, messages = [] }: ThinkRequest, fenced: (data: unknown) => string): ModelMessage[] {
  const given = data === undefined ? undefined : typeof data === 'string' ? data : jsonCopy(data, 'data')
  const parts = [...(prompt === undefined ? [] : [prompt]), ...(given === undefined ? [] : [fenced(given)])]
  const said = messages.map(({ role, content }): ModelMessage => ({ role, text: content }))
  if (parts.length > 0) said.push({ role: 'user', text: parts.join('\n\n') })
  if (said.length === 0) throw invalid('expected a prompt, data or messages, found none of them')
  return said
}

const invalid = (message: string) => codedError({ code: 'INVALID_ARGUMENT', message: `think: ${message}` })

const withinStep = () =>
  codedError({
    code: 'INVALID_STATE',
    message: 'the conversation may not grow inside a step or a tool: after a crash that is not run again',
    help: 'Think behind the step or the call, or without the conversation.',
  })
