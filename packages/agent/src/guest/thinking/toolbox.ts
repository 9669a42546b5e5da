import type { OfferedTool, ServerToolResult } from '@vigil/protocol'
import type { AgentContext } from '../../context.ts'
import { codedError } from '../coded-error.ts'
import type { Effects } from '../effects.ts'
import { jsonCopy } from '../json.ts'
import { type GuestTool, runOf } from '../tool.ts'
import { builtinTool } from './builtins.ts'
import type { UsableTool } from './tool-calls.ts'

export interface ToolboxParts {
  /** What core says that there is. */
  readonly offered: readonly OfferedTool[]
  /** Of the module. */
  readonly tools: ReadonlyMap<string, GuestTool>
  readonly effects: Effects
  readonly context: () => AgentContext
}

/** Every tool that a model of this agent may be given, by name. */
export function usableTools({ offered, tools, effects, context }: ToolboxParts): ReadonlyMap<string, UsableTool> {
  const usable = new Map<string, UsableTool>()
  const add = (tool: GuestTool, more: Pick<UsableTool, 'ends' | 'settle'>): void => {
    const { name, description, parameters, read_only, irreversible } = tool.declaration
    usable.set(name, {
      ...more,
      offered: {
        name,
        ...(description === undefined ? {} : { description }),
        ...(parameters === undefined ? {} : { parameters }),
      },
      readOnly: read_only === true,
      irreversible: irreversible === true,
      call: (input) => effects.tool(tool, jsonCopy(input, `the input of tool "${name}"`), runOf(tool, context())),
    })
  }
  for (const tool of tools.values()) add(tool, { ends: false })
  for (const each of offered) {
    if (usable.has(each.name)) continue
    const builtin = builtinTool(each, context)
    if (builtin !== undefined) add(builtin.tool, builtin)
    else usable.set(each.name, serverTool(each, effects))
  }
  return usable
}

/** It runs in ring 0, on a server. */
const serverTool = (offered: OfferedTool, effects: Effects): UsableTool => ({
  offered,
  readOnly: offered.read_only === true,
  irreversible: false,
  ends: false,
  call: (input) => effects.call('server.tool', offered.name, { name: offered.name, input }),
  settle(outcome) {
    const { content, structured, other, is_error: isError } = outcome as ServerToolResult
    if (isError === true) throw codedError({ code: 'TOOL_FAILED', message: content })
    return structured === undefined && other === undefined ? content : outcome
  },
})

type Choice = string | { readonly name: string }

/** Those that code names. @throws INVALID_ARGUMENT for a name or glob under which none falls */
export function chosenTools(
  choices: readonly Choice[],
  usable: ReadonlyMap<string, UsableTool>,
): ReadonlyMap<string, UsableTool> {
  const chosen = new Set(choices.flatMap((choice) => namesOf(choice, [...usable.keys()])))
  return new Map([...usable].filter(([name]) => chosen.has(name)))
}

function namesOf(choice: Choice, names: readonly string[]): string[] {
  const glob = typeof choice === 'string' ? choice : choice.name
  const pattern = new RegExp(`^${RegExp.escape(glob).replaceAll('\\*', '.*')}$`)
  const found = names.filter((name) => pattern.test(name))
  if (found.length > 0) return found
  const known = names.length === 0 ? 'none' : names.join(', ')
  throw codedError({
    code: 'INVALID_ARGUMENT',
    message: `think: expected tools of the agent (${known}), found "${glob}"`,
  })
}
