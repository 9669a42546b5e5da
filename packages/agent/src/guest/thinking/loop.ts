import type { ModelMessage, ModelReply, ModelRequest, ToolRequest } from '@vigil/protocol'
import type { Thought, ThoughtToolCall } from '../../context-think.ts'
import { codedError } from '../coded-error.ts'
import type { Fence } from './fence.ts'
import { fit, type OutputSchema } from './output.ts'
import { fencedData, short, textOf } from './prompt.ts'
import { type MadeCall, madeCalls, type UsableTool } from './tool-calls.ts'

/** What one thought goes by. */
export interface Course {
  readonly model: string
  readonly maxOutputTokens: number
  readonly messages: readonly ModelMessage[]
  readonly tools: ReadonlyMap<string, UsableTool>
  readonly maxSteps: number
  readonly output: OutputSchema | undefined
  readonly fence: Fence
  readonly generate: (request: ModelRequest) => Promise<ModelReply>
}

export interface CourseEnd extends Thought {
  /** What was said, as later turns see it. */
  readonly said: readonly ModelMessage[]
  /** What the tool that ends a turn was given. */
  readonly finished: { readonly input: unknown } | undefined
}

/** Asks the model until it has no call left to make. */
export async function thinkThrough(course: Course): Promise<CourseEnd> {
  const { maxSteps, tools, fence } = course
  const transcript = [...course.messages]
  const said: ModelMessage[] = []
  const toolCalls: ThoughtToolCall[] = []
  const usage = { inputTokens: 0, outputTokens: 0, modelCalls: 0, cost: 0 }

  /** Results that are told in full, oldest first: where they stand, and in few words. */
  const full: { readonly place: number; readonly short: ModelMessage }[] = []
  const shorten = (): void => {
    let length = lengthOf(transcript)
    if (length <= mostOfTurn) return
    // Down to half: what providers keep of a prompt by its beginning is lost each time.
    while (length > mostOfTurn / 2 && full.length > 0) {
      const { place, short: instead } = full.shift() as (typeof full)[number]
      length -= (transcript[place]?.text.length ?? 0) - instead.text.length
      transcript[place] = instead
    }
  }

  const ask = async (purpose: 'turn' | 'repair', offers: boolean): Promise<ModelReply> => {
    shorten()
    const reply = await course.generate(requestOf(course, { messages: [...transcript], purpose, offers }))
    usage.inputTokens += reply.usage.input
    usage.outputTokens += reply.usage.output
    usage.modelCalls += 1
    usage.cost += reply.usd
    return reply
  }

  const say = ({ text }: ModelReply, calls: readonly ToolRequest[]): void => {
    transcript.push(spoken(text, calls.map(wellFormed)))
    said.push(spoken(short(text), calls.map(wellFormed).map(shortened)))
  }

  const hear = ({ request: { id, name }, made }: MadeCall): void => {
    const told = toldOf(made)
    const label = `result of ${name}`
    const inShort = short(textOf(told))
    full.push({ place: transcript.length, short: { role: 'tool', id, text: fence.around(label, inShort) } })
    transcript.push({ role: 'tool', id, text: fencedData(label, told, { fence, most: mostOfResult }) })
    said.push({ role: 'tool', id, text: inShort })
    if (made !== undefined) toolCalls.push(made)
  }

  const reason = async (): Promise<{ text: string; why: Thought['finishReason']; input?: unknown }> => {
    for (let step = 1; ; step += 1) {
      const isLast = step === maxSteps
      const reply = await ask('turn', !isLast)
      const { text, finish } = reply
      const isCut = finish === 'length' || finish === 'filter'
      const calls = isLast || isCut ? [] : distinct(reply.calls, step)
      say(reply, calls)
      if (isCut) return { text, why: finish }
      if (calls.length === 0) return { text, why: reply.calls.length > 0 ? 'steps' : 'stop' }
      const made = await madeCalls(calls, tools)
      for (const each of made) hear(each)
      const end = made.find(({ ended }) => ended)
      if (end !== undefined) return { text, why: 'finish', input: end.made?.input }
    }
  }

  const { text, why, input } = await reason()
  const finished = why === 'finish' ? { input } : undefined
  const ended = { toolCalls, usage, finishReason: why, said, finished }
  if (course.output === undefined) return { ...ended, text, output: undefined }

  const answer = finished === undefined ? text : JSON.stringify(input)
  const first = await fit(course.output, answer)
  if ('value' in first) return { ...ended, text, output: first.value }
  transcript.push(repairOf(course.output, first.misfit, fence))
  const repaired = await ask('repair', false)
  say(repaired, [])
  const second = await fit(course.output, repaired.text)
  if ('value' in second) return { ...ended, text: repaired.text, output: second.value }
  const message = `the answer of ${course.model} does not fit the schema, also when asked once more: ${second.misfit}`
  throw codedError({ code: 'OUTPUT_INVALID', message })
}

const mostOfResult = 40_000
/** Of what one turn says to its model, in characters: past it the oldest results are told in short. */
const mostOfTurn = 400_000

const lengthOf = (messages: readonly ModelMessage[]): number => messages.reduce((sum, { text }) => sum + text.length, 0)

function requestOf(
  { model, maxOutputTokens, tools, output }: Course,
  {
    messages,
    purpose,
    offers,
  }: { readonly messages: ModelMessage[]; readonly purpose: 'turn' | 'repair'; readonly offers: boolean },
): ModelRequest {
  const offered = [...tools.values()].map(({ offered: { name, description, parameters } }) => ({
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
  }))
  return {
    model,
    messages,
    // The list stays where it is in the last step: providers keep what was said to them by its beginning.
    ...(offered.length === 0 ? {} : { tools: offered, tool_choice: offers ? 'auto' : 'none' }),
    ...(output === undefined ? {} : { schema: output.described }),
    max_output_tokens: maxOutputTokens,
    purpose,
  }
}

function repairOf({ described }: OutputSchema, misfit: string, fence: Fence): ModelMessage {
  const text = `Your answer is not what it has to be:\n${fence.around('problems', misfit)}\nGive only JSON, nothing before or behind it, that fits this schema: ${JSON.stringify(described)}`
  return { role: 'user', text }
}

const spoken = (text: string, calls: readonly ToolRequest[]): ModelMessage => ({
  role: 'assistant',
  text,
  ...(calls.length === 0 ? {} : { calls: [...calls] }),
})

function toldOf(made: ThoughtToolCall | undefined): unknown {
  if (made === undefined) return { error: { code: 'ABORTED', message: 'it was not called: the turn had ended' } }
  return made.outcome.ok ? made.outcome.value : { error: made.outcome.error }
}

/** Two calls of one name could not be told apart in what the model is told of them. */
function distinct(calls: readonly ToolRequest[], step: number): ToolRequest[] {
  const seen = new Set<string>()
  return calls.map((call, index) => {
    const id = call.id === '' || seen.has(call.id) ? `call-${step}-${index}` : call.id
    seen.add(id)
    return { ...call, id }
  })
}

/** Providers refuse a history in which the arguments of a call are no JSON, even when it is their model that wrote them. */
function wellFormed(call: ToolRequest): ToolRequest {
  try {
    JSON.parse(call.arguments)
    return call
  } catch {
    return { ...call, arguments: JSON.stringify(call.arguments.trim() === '' ? {} : { malformed: call.arguments }) }
  }
}

const shortened = (call: ToolRequest): ToolRequest => {
  const text = short(call.arguments)
  return text === call.arguments ? call : { ...call, arguments: JSON.stringify({ shortened: text }) }
}
