import { failureBody } from './failure.ts'
import type { FakeAnswer } from './reply.ts'
import type { FakeRequest } from './request.ts'
import { firstBytes, inPieces, inputTokens } from './tokens.ts'

/** What is written one behind the other, and how it ends. */
export interface Delivery {
  readonly contentType: string
  /** Tokens. */
  readonly input: number
  readonly parts: readonly Part[]
  readonly end: 'end' | 'hang' | 'destroy'
  /** All that belongs to an answer is there. */
  readonly whole: boolean
}

interface Part {
  readonly text: string
  /** Tokens of output that are billed once this is written. */
  readonly output: number
}

interface Usage {
  readonly input: number
  readonly output: number
}

interface Spoken {
  readonly text: readonly string[]
  readonly refusal: string | undefined
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[]
  readonly finishReason: string
  readonly usage: Usage
}

/** `number` counts the answers of a server, for ids that are the same in every run. */
export function deliveryOf(request: FakeRequest, answer: FakeAnswer, number: number): Delivery {
  const said = spoken(request, answer, number)
  return request.body['stream'] === true
    ? streamed(request, answer, said, number)
    : whole(request, answer, said, number)
}

function spoken(request: FakeRequest, answer: FakeAnswer, number: number): Spoken {
  const { text = '', json, calls = [], refusal, ignoresMaxTokens = false } = answer
  const asked = request.body['max_completion_tokens'] ?? request.body['max_tokens']
  const most = ignoresMaxTokens || asked === undefined ? Number.POSITIVE_INFINITY : (asked as number) * 4
  let left = most
  const take = (piece: string): string => {
    const taken = left === Number.POSITIVE_INFINITY ? piece : firstBytes(piece, left)
    // What had to be cut is the last thing that is said.
    left = taken.length < piece.length ? 0 : left - Buffer.byteLength(taken)
    return taken
  }
  const words = json === undefined ? text : JSON.stringify(json)
  const pieces = typeof words === 'string' ? inPieces(words, 24) : words
  const wanted = calls.map(({ id, name, input = {}, arguments: raw }, at) => ({
    id: id ?? `call_${number}_${at}`,
    name,
    arguments: raw ?? JSON.stringify(input),
  }))
  const length = (all: readonly string[]): number => all.reduce((sum, one) => sum + Buffer.byteLength(one), 0)
  const bytes = length([...pieces, refusal ?? '', ...wanted.flatMap((call) => [call.name, call.arguments])])
  const saidPieces = pieces.map(take).filter((piece) => piece !== '')
  const saidCalls = wanted.flatMap((call) =>
    left > 0 ? [{ ...call, name: take(call.name), arguments: take(call.arguments) }] : [],
  )
  const cut = bytes > most
  const { input, output } = typeof answer.usage === 'object' ? answer.usage : {}
  return {
    text: saidPieces,
    refusal,
    calls: saidCalls,
    finishReason: answer.finishReason ?? (cut ? 'length' : saidCalls.length > 0 ? 'tool_calls' : 'stop'),
    usage: { input: input ?? inputTokens(request), output: output ?? Math.ceil(Math.min(bytes, most) / 4) },
  }
}

/** The same in every run. */
const created = 1_767_225_600
const reported = ({ input, output }: Usage): object => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
})

function whole(request: FakeRequest, answer: FakeAnswer, said: Spoken, number: number): Delivery {
  const { text, refusal = null, calls, finishReason, usage } = said
  const toolCalls = calls.map(({ id, ...call }) => ({ id, type: 'function', function: call }))
  const message = {
    role: 'assistant',
    content: text.length === 0 && (toolCalls.length > 0 || refusal !== null) ? null : text.join(''),
    refusal,
    ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
  }
  const body = JSON.stringify({
    id: `chatcmpl-${number}`,
    object: 'chat.completion',
    created,
    model: request.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason }],
    ...(answer.usage !== 'none' && { usage: reported(usage) }),
  })
  const { hang, truncate, malformed = false, everyMs } = answer
  const broken = hang !== undefined || truncate !== undefined || malformed
  const sent = broken ? body.slice(0, body.length / 2) : body
  return {
    contentType: 'application/json',
    input: usage.input,
    parts: inPieces(sent, everyMs === undefined ? sent.length : 100).map((part) => ({
      text: part,
      output: usage.output,
    })),
    end: hang !== undefined ? 'hang' : truncate === 'socket' || truncate === 'error' ? 'destroy' : 'end',
    whole: !broken,
  }
}

function streamed(request: FakeRequest, answer: FakeAnswer, said: Spoken, number: number): Delivery {
  const { hang, truncate, malformed = false } = answer
  const wantsUsage = (request.body['stream_options'] as Record<string, unknown> | undefined)?.['include_usage'] === true
  const withUsage = wantsUsage && answer.usage !== 'none'
  const chunk = (choices: readonly object[], usage: object | null): object => ({
    id: `chatcmpl-${number}`,
    object: 'chat.completion.chunk',
    created,
    model: request.model,
    choices,
    ...(withUsage && { usage }),
  })
  const choice = (delta: object, finishReason: string | null): string =>
    line(chunk([{ index: 0, delta, logprobs: null, finish_reason: finishReason }], null))
  let bytes = 0
  const pieces = deltasOf(said).map(({ delta, text }) => {
    bytes += Buffer.byteLength(text)
    return { text: choice(delta, null), output: Math.min(Math.ceil(bytes / 4), said.usage.output) }
  })
  const last = (text: string): Part => ({ text, output: said.usage.output })
  const finish = [
    last(choice({}, said.finishReason)),
    ...(withUsage ? [last(line(chunk([], reported(said.usage))))] : []),
  ]
  const half = Math.ceil(pieces.length / 2)
  const soFar = pieces[half - 1]?.output ?? 0
  const broken = { text: 'data: {"id":"chatcmpl-1","choices":[{"delta":{"con\n\n', output: soFar }
  const middle = malformed ? [...pieces.slice(0, half), broken, ...pieces.slice(half)] : pieces
  const parts = (): readonly Part[] => {
    // The first piece says only who speaks.
    if (hang !== undefined) return pieces.slice(0, 2)
    if (truncate === 'socket') return pieces.slice(0, half)
    if (truncate === 'error')
      return [...pieces.slice(0, half), { text: line(failureBody({ status: 500 })), output: soFar }]
    if (truncate === 'no_finish') return middle
    return [...middle, ...finish, ...(truncate === 'no_done' ? [] : [last('data: [DONE]\n\n')])]
  }
  return {
    contentType: 'text/event-stream; charset=utf-8',
    input: said.usage.input,
    parts: parts(),
    end: hang !== undefined ? 'hang' : truncate === 'socket' ? 'destroy' : 'end',
    whole: hang === undefined && truncate === undefined,
  }
}

const line = (json: object): string => `data: ${JSON.stringify(json)}\n\n`

interface Delta {
  readonly delta: object
  /** What of it is said by the model. */
  readonly text: string
}

function deltasOf({ text, refusal, calls }: Spoken): Delta[] {
  return [
    { delta: { role: 'assistant', content: calls.length > 0 && text.length === 0 ? null : '' }, text: '' },
    ...text.map((content) => ({ delta: { content }, text: content })),
    ...inPieces(refusal ?? '', 24).map((part) => ({ delta: { refusal: part }, text: part })),
    ...calls.flatMap(({ id, name, arguments: all }, index) => [
      { delta: { tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }, text: name },
      ...inPieces(all, 12).map((part) => ({
        delta: { tool_calls: [{ index, function: { arguments: part } }] },
        text: part,
      })),
    ]),
  ]
}
