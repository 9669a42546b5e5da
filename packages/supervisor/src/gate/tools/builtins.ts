import { builtinTools, type ToolDeclaration } from '@vigil/protocol'
import type { ProcessFold } from '../../fold/process-fold.ts'
import type { Manifest } from '../../manifests/manifest.ts'

/** The tools that Vigil brings are off, but for those that the manifest lists by name. */
export function listedBuiltins({ tools = {} }: Pick<Manifest, 'tools'>): ToolDeclaration[] {
  return Object.entries(builtinTools)
    .filter(([name]) => Object.hasOwn(tools, name) && tools[name]?.allowed !== false)
    .map(([name, declaration]) => ({ name, ...declaration }))
}

/** All that may be called by the guest itself: the tools of its module, and those built in that are listed. */
export const guestToolsOf = ({ manifest, tools }: Pick<ProcessFold, 'manifest' | 'tools'>): ToolDeclaration[] => [
  ...tools,
  ...listedBuiltins(manifest),
]

/** Why the module may not have these tools: nobody could say which of two is meant by a name. */
export function clashingTool(manifest: Pick<Manifest, 'tools'>, tools: readonly ToolDeclaration[]): string | undefined {
  const built = new Set(listedBuiltins(manifest).map(({ name }) => name))
  const clash = tools.find(({ name }) => built.has(name))
  if (clash === undefined) return undefined
  return `the module has a tool "${clash.name}", and the manifest lists the built-in one of that name under tools: rename it, or take it off the list`
}
