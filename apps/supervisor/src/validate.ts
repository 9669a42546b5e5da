import { exitCodes, type ToolDeclaration } from '@vigil/protocol'
import {
  type Configuration,
  describeModules,
  examineModel,
  idlePolicies,
  type LoadedManifest,
  type Manifest,
  nextFires,
  type PlacedProblem,
  problemLine,
  readConfiguration,
  readManifests,
  type ToolRules,
  toolRules,
  unpricedTools,
} from '@vigil/supervisor'
import type { Environment } from './command-line.ts'
import { manifestDisk } from './data-files.ts'

/** Checks manifests: the same reading as a start, and each module is loaded as a first life would load it. No turn is run. */
export interface Validation {
  readonly lines: readonly string[]
  readonly document: {
    readonly ok: boolean
    readonly processes: readonly string[]
    readonly problems: readonly PlacedProblem[]
    readonly warnings: readonly PlacedProblem[]
  }
  readonly exitCode: number
}

const shownFires = 3

export async function validate(
  { paths, config }: { readonly paths: readonly string[]; readonly config: string | undefined },
  env: Environment,
  now: Date,
): Promise<Validation> {
  const options = { fileSystem: manifestDisk, env }
  const fleet = await readConfiguration({ file: config, paths }, options)
  const { loaded, ...found } = await readManifests(paths, { ...options, defaults: fleet.value?.defaults ?? {} })
  const problems = [...found.problems, ...fleet.problems]
  const warnings: PlacedProblem[] = [...found.warnings, ...fleet.warnings]
  const missing: PlacedProblem[] = []
  for (const { manifest, file } of loaded) {
    if (manifest.entrypoint === undefined) continue
    const stat = await manifestDisk.stat(manifest.entrypoint)
    if (stat?.kind === 'file') continue
    missing.push({
      code: 'INVALID_CONFIG',
      file,
      path: 'entrypoint',
      message: `expected a module at ${manifest.entrypoint}, found ${stat?.kind ?? 'nothing'}`,
    })
  }
  const models = modelsOf(loaded, fleet.value?.providers, env)
  missing.push(...models.flatMap(({ problem }) => problem ?? []))
  warnings.push(...models.flatMap(({ doubtful }) => doubtful))
  const modelOf = new Map(models.map(({ file, words }) => [file, words]))
  const present = loaded.filter(({ file }) => !missing.some((each) => each.file === file))
  const modules = await modulesOf(present)
  missing.push(...modules.flatMap(({ problem }) => problem ?? []))
  warnings.push(...modules.flatMap(({ doubtful }) => doubtful))
  const toolsOf = new Map(modules.map(({ file, tools }) => [file, tools]))
  const all = [...problems, ...missing]
  const bad = new Set(all.map(({ file }) => file))
  const good = loaded.filter(({ file }) => !bad.has(file))
  return {
    lines: [
      ...good.flatMap(({ manifest, file }) => [
        `ok ${manifest.name} ${file}`,
        ...(modelOf.has(file) ? [`   model ${modelOf.get(file)}`] : []),
        ...schedules(manifest, now),
        ...toolLines(manifest, toolsOf.get(file)),
        ...serverLines(manifest),
      ]),
      ...warnings.map((warning) => `warning ${problemLine(warning)}`),
      ...all.map((problem) => `error ${problemLine(problem)}`),
    ],
    document: { ok: all.length === 0, processes: good.map(({ manifest }) => manifest.name), problems: all, warnings },
    exitCode: all.length === 0 ? exitCodes.done : exitCodes.usage,
  }
}

const toolLines = (manifest: Manifest, tools: readonly ToolDeclaration[] = []): string[] =>
  tools.map((each) => toolLine(manifest, tools, each))

/** Where each server is, and what of it may be called; nobody is asked. */
const serverLines = ({ servers = {} }: Manifest): string[] =>
  Object.entries(servers).map(([name, server]) => {
    const where = 'url' in server ? server.url : [server.command, ...server.args].join(' ')
    return `   server ${name}: ${where}, tools ${server.tools?.join(', ') ?? 'all'}`
  })

const schedules = (manifest: Manifest, now: Date): string[] =>
  manifest.triggers.flatMap((trigger) => {
    if (trigger.type !== 'cron') return []
    const fires = nextFires(trigger.cronExpression, trigger.timezone, now, shownFires)
    return [`   cron "${trigger.cronExpression}" ${trigger.timezone}: next ${fires.join(', ')}`]
  })

interface ModelFound {
  readonly file: string
  readonly words: string
  readonly problem: PlacedProblem | undefined
  readonly doubtful: readonly PlacedProblem[]
}

/** What agents think with; nobody is asked. */
function modelsOf(
  loaded: readonly LoadedManifest[],
  providers: Configuration['providers'],
  env: Environment,
): ModelFound[] {
  return loaded.flatMap(({ manifest, file }) => {
    const found = examineModel(manifest, { providers, env })
    if (found === undefined) return []
    const placed = (message: string, code: PlacedProblem['code']) => ({ code, file, path: 'model', message })
    return [
      {
        ...{ file, words: found.words },
        problem: found.problem === undefined ? undefined : placed(found.problem, 'INVALID_CONFIG'),
        doubtful: found.doubts.map((doubt) => placed(doubt, 'INVALID_CONFIG')),
      },
    ]
  })
}

interface ModuleFound {
  readonly file: string
  readonly tools: readonly ToolDeclaration[]
  readonly problem: PlacedProblem | undefined
  /** What the manifest says of tools, and what it does not say, so that it holds less than it seems to. */
  readonly doubtful: readonly PlacedProblem[]
}

async function modulesOf(loaded: readonly LoadedManifest[]): Promise<ModuleFound[]> {
  // What has rights of its own is not run to be looked at.
  const harmless = loaded.filter(({ manifest: { permissions } }) => !Object.values(permissions).some(isGiven))
  const described = await describeModules(harmless.map(({ manifest }) => manifest))
  return harmless.map(({ manifest, file }, index) => {
    const found = described[index] ?? { tools: [] }
    const placed = (path: string, message: string) => ({ code: 'INVALID_CONFIG' as const, file, path, message })
    if ('failed' in found) {
      const message = `expected a module that can be loaded, found: ${found.failed}`
      return { file, tools: [], problem: placed('entrypoint', message), doubtful: [] }
    }
    const names = found.tools.map(({ name }) => name)
    const idle = idlePolicies(manifest, names).map((path) => {
      const known = names.length === 0 ? 'none' : names.join(', ')
      return placed(path, `expected a tool of the module that it matches, found ${known}`)
    })
    const unpriced = unpricedTools(manifest, found.tools).map((name) =>
      placed(`tools.${name}`, 'expected a cost beside a limit in dollars, found none; 0 says that it is free'),
    )
    return { file, tools: found.tools, problem: undefined, doubtful: [...idle, ...unpriced] }
  })
}

const isGiven = (right: boolean | readonly string[]): boolean => (typeof right === 'boolean' ? right : right.length > 0)

/** What holds for a tool: of what it says itself and what the manifest says of it, the strictest. */
function toolLine(manifest: Manifest, tools: readonly ToolDeclaration[], declared: ToolDeclaration): string {
  const { name, once, timeout_ms: own = Infinity } = declared
  const rules = toolRules({ manifest, tools }, name)
  const timeoutMs = Math.min(own, rules?.timeoutMs ?? Infinity)
  const said = [
    rules?.deniedBy === undefined ? undefined : `denied by tools.${rules.deniedBy}`,
    rules?.irreversible === true ? 'irreversible' : once === true ? 'once' : undefined,
    approvalWords(rules?.approvals),
    rules === undefined || rules.cost === 0 ? undefined : `$${rules.cost}`,
    timeoutMs === Infinity ? undefined : `at most ${timeoutMs / 1_000} s`,
    rules?.maxPerTurn === undefined ? undefined : `at most ${rules.maxPerTurn} in a turn`,
  ].filter((word) => word !== undefined)
  return `   tool ${name}${said.length === 0 ? '' : `: ${said.join(', ')}`}`
}

function approvalWords(approvals: ToolRules['approvals'] = []): string | undefined {
  if (approvals === true) return 'needs approval'
  return approvals.length === 0 ? undefined : `needs approval if ${approvals.join(' or ')}`
}
