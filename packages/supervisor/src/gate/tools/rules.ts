import { defaultBudget, toDollars } from '@vigil/governance'
import { serverToolName, splitToolName, type ToolDeclaration } from '@vigil/protocol'
import picomatch from 'picomatch'
import type { ProcessFold } from '../../fold/process-fold.ts'
import type { Manifest, ToolPolicy } from '../../manifests/manifest.ts'
import { compileInputFilter } from '../../triggers/filter/filter.ts'
import { guestToolsOf, listedBuiltins } from './builtins.ts'

/** What counts for a tool: of its own declaration and every policy that matches its name, the strictest. */
export interface ToolRules {
  /** The glob that forbids it. */
  readonly deniedBy: string | undefined
  /** May it run again when nobody knows whether it has run? */
  readonly repeatable: boolean
  /** However often it runs under one key, it is billed once. */
  readonly idempotent: boolean
  /** In doubt, its turn waits for a person, whatever the agent makes of the error. */
  readonly irreversible: boolean
  /** It can say what became of a call. */
  readonly reconcile: boolean
  /** US dollars a call. */
  readonly cost: number
  /** Of the manifest; the guest knows its own. */
  readonly timeoutMs: number | undefined
  readonly maxPerTurn: number | undefined
  needsApproval(input: unknown): boolean
  /** When it needs one: always (true), or the filters of which one has to fit. */
  readonly approvals: true | readonly string[]
}

type Tools = Pick<ProcessFold, 'manifest' | 'tools'> & Partial<Pick<ProcessFold, 'serverTools'>>

/** Undefined for a tool that neither the module of the process nor one of its servers has, nor its manifest lists. */
export function toolRules(process: Tools, name: string): ToolRules | undefined {
  const declared = declaredTool(process, name)
  const { manifest } = process
  return declared === undefined
    ? undefined
    : strictest(declared, [...matching(manifest, name), ...priced(manifest, name), ...approved(manifest, name)])
}

export const declaredTool = (process: Tools, name: string): ToolDeclaration | undefined =>
  guestToolsOf(process).find((tool) => tool.name === name) ?? listedTools(process).find((tool) => tool.name === name)

/** The tools of its servers that may be called: listed, let through by `tools` of the server, and not denied. */
export const serverToolsOf = (process: Pick<Tools, 'manifest' | 'serverTools'>): readonly ToolDeclaration[] =>
  listedTools(process).filter(({ name }) => matching(process.manifest, name).every(({ allowed }) => allowed !== false))

function listedTools({ manifest, serverTools }: Pick<Tools, 'manifest' | 'serverTools'>): ToolDeclaration[] {
  return Object.entries(manifest.servers ?? {}).flatMap(([server, { tools: globs }]) =>
    (serverTools?.get(server) ?? []).filter(({ name }) => isLetThrough(globs, splitToolName(name)?.tool ?? '')),
  )
}

/** Whether a tool is among those that the manifest wants of its server. */
export const isLetThrough = (globs: readonly string[] | undefined, tool: string): boolean =>
  globs === undefined || globs.some((glob) => matches(glob, tool))

/** The places of globs in the manifest under which none of these tools falls. */
export function idlePolicies(
  { tools = {}, approval, servers = {} }: Pick<Manifest, 'tools' | 'approval' | 'servers'>,
  names: readonly string[],
): string[] {
  const known = [...names, ...listedBuiltins({ tools }).map(({ name }) => name)]
  const isIdle = (glob: string): boolean =>
    !known.some((name) => matches(glob, name)) && !Object.keys(servers).some((server) => mayMean(glob, server))
  const listed = [...(approval?.tools ?? []).entries()].filter(([, glob]) => isIdle(glob))
  return [
    ...Object.keys(tools)
      .filter(isIdle)
      .map((glob) => `tools.${glob}`),
    ...listed.map(([index]) => `approval.tools.${index}`),
  ]
}

/** What a server has nobody knows before it is asked. */
function mayMean(glob: string, server: string): boolean {
  const [begin = ''] = glob.split(/[*?]/)
  const prefix = serverToolName(server, '')
  return begin.length < prefix.length ? prefix.startsWith(begin) && begin !== glob : begin.startsWith(prefix)
}

/**
 * Tools whose price nobody says, neither the module nor the manifest, where somebody wrote a limit in dollars: their calls count as
 * free, and the limit does not hold what it seems to.
 */
export function unpricedTools(manifest: Manifest, tools: readonly ToolDeclaration[]): string[] {
  if (!hasOwnCostLimit(manifest)) return []
  const isPriced = ({ name, cost }: ToolDeclaration): boolean =>
    [...matching(manifest, name), ...priced(manifest, name)].some((policy) => policy.cost !== undefined) ||
    cost !== undefined
  return tools.filter((tool) => !isPriced(tool)).map(({ name }) => name)
}

function hasOwnCostLimit({ budget }: Manifest): boolean {
  if (budget === undefined) return false
  const { limits } = defaultBudget
  return (['turn', 'hour', 'day', 'month'] as const).some((per) => {
    const { usd } = budget.limits[per]
    return usd !== undefined && usd !== limits[per].usd
  })
}

function strictest(declared: ToolDeclaration, policies: readonly Compiled[]): ToolRules {
  const once = declared.once === true || declared.irreversible === true
  const irreversible = policies.some((policy) => policy.irreversible === true)
  return {
    deniedBy: policies.find((policy) => policy.allowed === false)?.glob,
    // What the guest says makes nothing lighter that the manifest says.
    repeatable: !irreversible && (!once || declared.idempotent === true),
    idempotent: declared.idempotent === true,
    irreversible: irreversible || declared.irreversible === true,
    reconcile: declared.reconcile === true,
    cost: Math.max(declared.cost ?? 0, ...policies.map((policy) => policy.cost ?? 0)),
    timeoutMs: least(policies.map((policy) => policy.timeoutMs)),
    maxPerTurn: least(policies.map((policy) => policy.maxPerTurn)),
    needsApproval: (input) => declared.needs_approval === true || policies.some((policy) => policy.asks(input)),
    approvals: declared.needs_approval === true || approvalsOf(policies),
  }
}

/** The shortest that policies give a tool, also one that nobody knows yet. */
export const policyTimeoutMs = (manifest: Pick<Manifest, 'tools'>, name: string): number | undefined =>
  least(matching(manifest, name).map(({ timeoutMs }) => timeoutMs))

function approvalsOf(policies: readonly ToolPolicy[]): ToolRules['approvals'] {
  const all = policies.flatMap(({ needsApproval = [] }) => needsApproval)
  return all.includes(true) || all.filter((each) => each !== true)
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const given = values.filter((value) => value !== undefined)
  return given.length === 0 ? undefined : Math.min(...given)
}

interface Compiled extends ToolPolicy {
  readonly glob: string
  readonly asks: (input: unknown) => boolean
}

/** The policies of a deployed manifest never change. */
const compiled = new WeakMap<object, readonly Compiled[]>()

function matching({ tools }: Pick<Manifest, 'tools'>, name: string): readonly Compiled[] {
  if (tools === undefined) return []
  const all = compiled.getOrInsertComputed(tools, () =>
    Object.entries(tools).map(([glob, policy]) => ({ ...policy, glob, asks: asking(policy) })),
  )
  return all.filter(({ glob }) => matches(glob, name))
}

/** What a call costs may stand with the budget as well. */
function priced({ budget }: Pick<Manifest, 'budget'>, name: string): readonly Compiled[] {
  const costs = budget?.toolCosts ?? {}
  if (!Object.hasOwn(costs, name)) return []
  const { usd = 0, irreversible = false } = costs[name] ?? {}
  return [{ glob: name, cost: toDollars(usd), ...(irreversible ? { irreversible } : {}), asks: () => false }]
}

/** The list of those that need an approval is another way to say it of each. */
const approved = ({ approval }: Pick<Manifest, 'approval'>, name: string): readonly Compiled[] =>
  (approval?.tools ?? [])
    .filter((glob) => matches(glob, name))
    .map((glob) => ({ glob, needsApproval: true, asks: () => true }))

function asking({ needsApproval }: ToolPolicy): (input: unknown) => boolean {
  if (needsApproval === undefined) return () => false
  return needsApproval === true ? () => true : compileInputFilter(needsApproval)
}

const matches = (glob: string, name: string): boolean => picomatch.isMatch(name, glob)
