import type { ToolDeclaration, ToolLeave } from '@vigil/protocol'
import type { AgentContext, Tool } from '../context.ts'
import { codedError } from './coded-error.ts'
import { jsonCopy } from './json.ts'
import { jsonSchemaCheck } from './json-schema.ts'
import { describedSchema, misfit, type SchemaCheck, standardCheck } from './schema-check.ts'
import { canonicalJson } from './step-key.ts'
import { askLeave, failure, reconciled, settled, tried, type Work, type WorkGround } from './work.ts'

/** A tool of the module, checked. */
export interface GuestTool {
  /** What core is told of it. */
  readonly declaration: ToolDeclaration
  readonly check: SchemaCheck
  readonly definition: Tool<never>
}

const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
const longestTimeoutMs = 24 * 86_400_000

/** The tools of a module by name. @throws BUNDLE_FAILED with what is wrong with which */
export function guestTools(tools: unknown): ReadonlyMap<string, GuestTool> {
  const found = new Map<string, GuestTool>()
  if (tools === undefined) return found
  if (!Array.isArray(tools)) throw wrong(`expected tools to be a list, found ${typeof tools}`)
  for (const [index, definition] of tools.entries()) {
    const tool = guestTool(definition as Tool<never> | undefined, index)
    const { name } = tool.declaration
    if (found.has(name)) throw wrong(`expected one tool of the name "${name}", found two`)
    found.set(name, tool)
  }
  return found
}

const wrong = (message: string) => codedError({ code: 'BUNDLE_FAILED', message })

function guestTool(definition: Tool<never> | undefined, index: number): GuestTool {
  const { name, run } = (definition ?? {}) as Partial<Tool<never>>
  if (typeof name !== 'string' || !namePattern.test(name))
    throw wrong(`tools[${index}]: expected a name of letters, digits, _ and -, found ${JSON.stringify(name)}`)
  const refuse = (message: string): never => {
    throw wrong(`tool "${name}": ${message}`)
  }
  if (typeof run !== 'function') return refuse(`expected a function run(input, ctx), found ${typeof run}`)
  const tool = definition as Tool<never>
  const { timeoutMs, cost, once = false, idempotent = false, irreversible = false, reconcile } = tool
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= longestTimeoutMs))
    refuse(`expected timeoutMs above 0 and up to 24 days, found ${timeoutMs}`)
  if (cost !== undefined && !(cost >= 0 && Number.isFinite(cost)))
    refuse(`expected a cost in US dollars, found ${cost}`)
  const runsOnce = once || irreversible
  if (tool.readOnly === true && runsOnce)
    refuse('readOnly says that it changes nothing, once and irreversible that it does: give one')
  if (idempotent && !runsOnce)
    refuse('idempotent goes with once or irreversible: others are always run again after a crash')
  if (reconcile !== undefined && !runsOnce)
    refuse('reconcile goes with once or irreversible: others are never in doubt')
  if (reconcile !== undefined && idempotent) refuse('idempotent says run it again, reconcile says ask first: give one')
  const { check, parameters } = schemaOf(tool, refuse)
  return { definition: tool, check, declaration: declarationOf(tool, parameters) }
}

function declarationOf(tool: Tool<never>, parameters: ToolDeclaration['parameters']): ToolDeclaration {
  const { name, description, once, idempotent, irreversible, needsApproval, readOnly, reconcile, timeoutMs, cost } =
    tool
  return {
    name,
    ...(description === undefined ? {} : { description: description.slice(0, 4_000) }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(once === true ? { once } : {}),
    ...(idempotent === true ? { idempotent } : {}),
    ...(irreversible === true ? { irreversible } : {}),
    ...(needsApproval === true ? { needs_approval: true } : {}),
    ...(readOnly === true ? { read_only: true } : {}),
    ...(reconcile === undefined ? {} : { reconcile: true }),
    ...(timeoutMs === undefined ? {} : { timeout_ms: timeoutMs }),
    ...(cost === undefined ? {} : { cost }),
  }
}

interface InputSchema {
  readonly check: SchemaCheck
  /** As JSON Schema, if it can be said in that. */
  readonly parameters: ToolDeclaration['parameters']
}

function schemaOf({ input, parameters }: Tool<never>, refuse: (message: string) => never): InputSchema {
  if (input !== undefined && parameters !== undefined)
    return refuse('input is a schema of a library, parameters a JSON Schema: give one')
  if (input !== undefined) return { check: standardCheck(input, 'input'), parameters: describedSchema(input) }
  if (parameters === undefined) return { check: (value) => ({ value }), parameters: undefined }
  try {
    return {
      check: jsonSchemaCheck(parameters),
      parameters: jsonCopy(parameters, 'parameters') as ToolDeclaration['parameters'],
    }
  } catch (error) {
    return refuse(`parameters: ${(error as Error).message}`)
  }
}

/** Runs a call that has no outcome on record, up to its outcome. */
export async function runTool(
  ground: WorkGround,
  key: string,
  { tool, input, run }: { readonly tool: GuestTool; readonly input: unknown; readonly run: ToolRun },
): Promise<unknown> {
  const { name } = tool.declaration
  const asked = await checkedInput(tool, input)
  const leave = (await askLeave(ground, key, 'tool', { name, input: asked.text, begin: true })) as ToolLeave
  const work = workOf(tool, leave)
  const finish = async (outcome: unknown): Promise<unknown> => settled(await ground.make(key, 'tool', { outcome }))
  const fail = async (thrown: unknown): Promise<never> => {
    await ground.make(key, 'tool', { error: failure(thrown) })
    throw thrown
  }
  // Who agreed to it may have changed it: then that is what runs, if it fits.
  const isAsAsked = canonicalJson(leave.input) === canonicalJson(asked.text)
  const given = isAsAsked ? asked : await checkedInput(tool, leave.input).catch(fail)
  if (leave.in_doubt === true) {
    const reconcile = (own: string): unknown => tool.definition.reconcile?.(own, given.value as never)
    const answer = await reconciled(ground, key, { ...work, reconcile })
    if (answer.done) {
      ground.cover(key)
      return finish(answer.value)
    }
  }
  const end = await tried(ground, key, work, (signal) => run(given.value, signal, ground.idempotencyKey(key)))
  return end.ok ? finish(end.outcome) : fail(end.thrown)
}

export type ToolRun = (input: unknown, signal: AbortSignal, key: string) => unknown

/** What the tool does, in the context of a turn. */
export const runOf =
  ({ definition }: GuestTool, context: AgentContext): ToolRun =>
  (value, signal, key) =>
    definition.run(value as never, { ...context, signal, key })

const workOf = ({ declaration }: GuestTool, { timeout_ms }: ToolLeave): Work => {
  const limits = [declaration.timeout_ms, timeout_ms].filter((each) => each !== undefined)
  return {
    kind: 'tool',
    name: declaration.name,
    once: declaration.once === true || declaration.irreversible === true,
    idempotent: declaration.idempotent === true,
    timeoutMs: limits.length === 0 ? undefined : Math.min(...limits),
    reconcile: undefined,
  }
}

/** `value` is what the schema makes of the input, `text` the same as JSON: that is decided about and recorded. */
async function checkedInput(
  { check, declaration: { name } }: GuestTool,
  input: unknown,
): Promise<{ readonly value: unknown; readonly text: unknown }> {
  const checked = await check(input)
  if ('value' in checked) return { value: checked.value, text: jsonCopy(checked.value, `the input of tool "${name}"`) }
  const message = `the input does not fit the schema of tool "${name}": ${misfit(checked)}`
  throw codedError({ code: 'TOOL_INPUT_INVALID', message, details: checked.problems })
}
