import type { OfferedTool, ToolRequest } from '@vigil/protocol'
import type { ThoughtToolCall } from '../../context-think.ts'
import { isEcho } from '../coded-error.ts'

/** A tool as the loop uses it, wherever it runs. */
export interface UsableTool {
  readonly offered: OfferedTool
  /** It changes nothing: those that stand together run side by side. */
  readonly readOnly: boolean
  readonly irreversible: boolean
  /** The turn of the model ends with it. */
  readonly ends: boolean
  call(input: unknown): Promise<unknown>
  /** Takes note of the recorded outcome, in each life, and says what the model is told of it. */
  readonly settle?: (outcome: unknown) => unknown
}

/** A call that the model asked for, with what came of it; undefined: it was not made, because the turn had ended. */
export interface MadeCall {
  readonly request: ToolRequest
  readonly made: ThoughtToolCall | undefined
  readonly ended: boolean
}

/** Makes the calls of one reply, in its order; those that change nothing and stand together side by side. */
export async function madeCalls(
  requests: readonly ToolRequest[],
  tools: ReadonlyMap<string, UsableTool>,
): Promise<readonly MadeCall[]> {
  const all: MadeCall[] = []
  for (const group of groups(requests, tools)) {
    if (all.some(({ ended }) => ended))
      all.push(...group.map((request) => ({ request, made: undefined, ended: false })))
    else all.push(...(await Promise.all(group.map((request) => madeCall(request, tools)))))
  }
  return all
}

function groups(requests: readonly ToolRequest[], tools: ReadonlyMap<string, UsableTool>): ToolRequest[][] {
  const isQuiet = (request: ToolRequest | undefined): boolean => tools.get(request?.name ?? '')?.readOnly === true
  const all: ToolRequest[][] = []
  for (const request of requests) {
    const before = all.at(-1)
    if (before !== undefined && isQuiet(request) && isQuiet(before[0])) before.push(request)
    else all.push([request])
  }
  return all
}

async function madeCall(request: ToolRequest, tools: ReadonlyMap<string, UsableTool>): Promise<MadeCall> {
  const { name } = request
  const done = (input: unknown, outcome: ThoughtToolCall['outcome'], ended = false): MadeCall => ({
    request,
    made: { name, input, outcome },
    ended,
  })
  const failed = (input: unknown, code: string, message: string): MadeCall =>
    done(input, { ok: false, error: { code, message } })

  const tool = tools.get(name)
  if (tool === undefined) {
    const known = [...tools.keys()].join(', ')
    return failed(
      null,
      'TOOL_NOT_FOUND',
      `there is no tool "${name}"; there ${known === '' ? 'is none' : `are ${known}`}`,
    )
  }
  const parsed = parsedArguments(request.arguments)
  if ('wrong' in parsed) {
    const expected = JSON.stringify(tool.offered.parameters ?? { type: 'object' })
    const message = `the arguments of "${name}" are no JSON: ${parsed.wrong}; expected JSON that fits ${expected}`
    return failed(null, 'TOOL_INPUT_INVALID', message)
  }
  const { input } = parsed
  try {
    const outcome = await tool.call(input)
    return done(input, { ok: true, value: tool.settle === undefined ? outcome : tool.settle(outcome) }, tool.ends)
  } catch (thrown) {
    if (endsAttempt(thrown, tool)) throw thrown
    const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown }
    return failed(
      input,
      typeof code === 'string' ? code : 'TOOL_FAILED',
      typeof message === 'string' ? message : String(thrown),
    )
  }
}

/** Nothing that a model could do would help. */
const hopeless = new Set(['TURN_DIVERGED', 'TOO_MANY_EFFECTS'])

function endsAttempt(thrown: unknown, { irreversible }: UsableTool): boolean {
  if (typeof thrown !== 'object' || thrown === null) return false
  const { code } = thrown as { code?: unknown }
  return isEcho(thrown) || hopeless.has(String(code)) || (irreversible && code === 'EFFECT_IN_DOUBT')
}

function parsedArguments(text: string): { readonly input: unknown } | { readonly wrong: string } {
  // What a tool without parameters is called with.
  if (text.trim() === '') return { input: {} }
  try {
    return { input: JSON.parse(text) }
  } catch (error) {
    return { wrong: (error as Error).message }
  }
}
