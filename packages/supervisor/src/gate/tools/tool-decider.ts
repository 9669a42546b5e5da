import { fromDollars } from '@vigil/governance'
import { type CallInput, splitToolName, type ToolDeclaration, VigilError } from '@vigil/protocol'
import type { ProcessFold } from '../../fold/process-fold.ts'
import type { Decider, Ruling } from '../decide.ts'
import { guestToolsOf } from './builtins.ts'
import { serverToolsOf, toolRules } from './rules.ts'

/** The call by which a guest asks leave to run a tool. */
export type ToolCall = Extract<CallInput<'tool'>, { begin: true }>

/** That, or a call of a tool of a server. */
export type NamedCall = ToolCall | CallInput<'server.tool'>

/** May the tool be called at all, and once more in this turn? What a call costs is proposed to those who keep the money. */
export const toolDecider: Decider = ({ site: { process, turn }, kind, input }) => {
  if (kind !== 'tool' && kind !== 'server.tool') return undefined
  const { name } = input as NamedCall
  const rules = toolRules(process, name)
  if (rules === undefined) return refuse('TOOL_NOT_FOUND', notFound(process, name, kind))
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

function notFound(process: ProcessFold, name: string, kind: 'tool' | 'server.tool'): string {
  const { manifest } = process
  const named = (found: readonly ToolDeclaration[]): string => found.map((tool) => tool.name).join(', ') || 'none'
  if (kind === 'tool') return `the agent has no tool "${name}"; it has ${named(guestToolsOf(process))}`
  const server = splitToolName(name)?.server ?? ''
  const known = Object.keys(manifest.servers ?? {})
  if (!known.includes(server))
    return `the manifest has no server "${server}" for the tool "${name}"; it has ${known.join(', ') || 'none'}`
  return `no server has a tool "${name}", as far as the manifest lets it through; there are ${named(serverToolsOf(process))}`
}

const refuse = (code: 'TOOL_NOT_FOUND' | 'TOOL_DENIED' | 'TOOL_LIMIT', message: string): Ruling => ({
  verdict: 'refuse',
  error: new VigilError(code, message),
})
