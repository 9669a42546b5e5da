import { type ModelReply, type ModelRequest, type SimRule, VigilError } from '@vigil/protocol'
import { chaos } from './sim/chaos.ts'
import { byRules, byScript, type SimulatedAnswer } from './sim/rules.ts'

/** The provider of the models that are built in: what they say is marked as simulated, and no other model is ever one of them. */
export const simulatedProvider = 'sim'

export interface SimulatedPart {
  /** `echo`, `rules`, `script` or `chaos`. */
  readonly name: string
  readonly rules: readonly SimRule[]
  /** So many thoughts of the turn came before. */
  readonly place: number
  /** Of the turn and the call: chaos does the same in each life. */
  readonly seed: string
}

/** Pure. @throws MODEL_NOT_FOUND for a name that none of them has · SIM_NO_RULE · of chaos, whatever models fail with */
export function simulatedReply(part: SimulatedPart, request: ModelRequest): ModelReply {
  const answer = request.purpose === 'summary' ? summaryOf(request) : answerOf(part, request)
  const input = request.messages.reduce((bytes, message) => bytes + Buffer.byteLength(message.text), 0)
  const output = Buffer.byteLength(answer.text) + Buffer.byteLength(JSON.stringify(answer.calls))
  return {
    ...answer,
    usage: { input, output, estimated: true },
    usd: 0,
    model: `${simulatedProvider}:${part.name}`,
    simulated: true,
  }
}

type Answer = Pick<ModelReply, 'text' | 'calls' | 'finish'>

function answerOf({ name, rules, place, seed }: SimulatedPart, request: ModelRequest): Answer {
  switch (name) {
    case 'echo':
      return spoken(request.messages.findLast(({ role }) => role === 'user')?.text ?? '')
    case 'rules':
      return replyOf(byRules(rules, request), place)
    case 'script':
      return replyOf(byScript(rules, place, request), place)
    case 'chaos':
      return chaos(request, seed)
    default:
      throw new VigilError(
        'MODEL_NOT_FOUND',
        `expected a simulated model (sim:echo, sim:rules, sim:script, sim:chaos), found sim:${name}`,
      )
  }
}

const spoken = (text: string): Answer => ({ text, calls: [], finish: 'stop' })

const summaryOf = ({ messages }: ModelRequest): Answer => spoken(`A summary of ${messages.length} messages.`)

const replyOf = ({ text, calls }: SimulatedAnswer, place: number): Answer => ({
  text,
  calls: calls.map(({ name, input }, index) => ({
    id: `call_${place}_${index}`,
    name,
    arguments: JSON.stringify(input),
  })),
  finish: calls.length === 0 ? 'stop' : 'tools',
})
