import { limits, type ServerTool, serverToolName, type ToolDeclaration, toolName } from '@vigil/protocol'
import { isLetThrough } from '../gate/tools/rules.ts'

export interface ListedTools {
  readonly tools: readonly ToolDeclaration[]
  /** Why others are left out, in words. */
  readonly left: readonly string[]
}

const longestDescription = 4_000

/** What goes on record of the tools that a server says to have: those that are wanted, in bounds, called as everybody calls them. */
export function listedTools(server: string, found: readonly ServerTool[], globs?: readonly string[]): ListedTools {
  const tools: ToolDeclaration[] = []
  const left: string[] = []
  const names = new Set<string>()
  let chars = 0
  for (const tool of found) {
    if (!isLetThrough(globs, tool.name)) continue
    const declared = declarationOf(server, tool)
    const size = JSON.stringify(declared).length
    const why = refusal(declared)
    if (why !== undefined) left.push(`${tool.name.slice(0, 100)}: ${why}`)
    else if (names.has(declared.name)) left.push(`${tool.name}: listed twice`)
    else if (tools.length >= limits.serverTools || chars + size > limits.serverToolsChars)
      left.push(`${tool.name}: more than is taken of one server; choose by servers.${server}.tools`)
    else {
      names.add(declared.name)
      tools.push(declared)
      chars += size
    }
  }
  return { tools, left }
}

function refusal({ name, parameters = {} }: ToolDeclaration): string | undefined {
  if (!toolName.test(name)) return 'its name, behind that of the server, is not of at most 64 letters, digits, _ and -'
  const bytes = Buffer.byteLength(JSON.stringify(parameters))
  return bytes > limits.schemaBytes
    ? `its schema has ${bytes} bytes, at most ${limits.schemaBytes} are taken`
    : undefined
}

/** Who says that a call does no harm when it is made again may be called again; nobody is asked for less than that. */
function declarationOf(
  server: string,
  { name, description, inputSchema, annotations = {} }: ServerTool,
): ToolDeclaration {
  const isRepeatable = annotations.readOnlyHint === true || annotations.idempotentHint === true
  return {
    name: serverToolName(server, name),
    ...(description === undefined ? {} : { description: description.slice(0, longestDescription) }),
    ...(inputSchema === undefined ? {} : { parameters: inputSchema }),
    once: true,
    ...(isRepeatable ? { idempotent: true } : {}),
    ...(annotations.readOnlyHint === true ? { read_only: true } : {}),
    ...(annotations.destructiveHint === true && annotations.readOnlyHint !== true ? { destructive: true } : {}),
  }
}
