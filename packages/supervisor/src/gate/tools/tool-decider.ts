import { fromDollars } from '@vigil/governance'
import { type CallInput, VigilError } from '@vigil/protocol'
import type { Decider, Ruling } from '../decide.ts'
import { toolRules } from './rules.ts'

/** The call by which a guest asks leave to run a tool. */
export type ToolCall = Extract<CallInput<'tool'>, { begin: true }>

/** May the tool be called at all, and once more in this turn? What a call costs is proposed to those who keep the money. */
export const toolDecider: Decider = ({ site: { process, turn }, kind, input }) => {
  if (kind !== 'tool') return undefined
  const { name } = input as ToolCall
  const rules = toolRules(process, name)
  if (rules === undefined) {
    const known = process.tools.map((tool) => tool.name).join(', ')
    return refuse('TOOL_NOT_FOUND', `the module has no tool "${name}"; it has ${known === '' ? 'none' : known}`)
  }
  if (rules.deniedBy !== undefined)
    return refuse(
      'TOOL_DENIED',
      `the tool "${name}" is not allowed; change in the manifest: tools: { "${rules.deniedBy}": true }`,
    )
  const begun = turn.begunTools[name] ?? 0
  if (rules.maxPerTurn !== undefined && begun >= rules.maxPerTurn)
    return refuse(
      'TOOL_LIMIT',
      `the tool "${name}" was called ${begun} times in this turn; to allow more, change in the manifest: tools: { "${name}": { max_per_turn: ${begun + 1} } }`,
    )
  return {
    verdict: 'go',
    reserve: {
      tool_calls: 1,
      ...(rules.cost > 0 ? { usd: fromDollars(rules.cost) } : {}),
      ...(rules.irreversible ? { irreversible: 1 } : {}),
    },
  }
}

const refuse = (code: 'TOOL_NOT_FOUND' | 'TOOL_DENIED' | 'TOOL_LIMIT', message: string): Ruling => ({
  verdict: 'refuse',
  error: new VigilError(code, message),
})
