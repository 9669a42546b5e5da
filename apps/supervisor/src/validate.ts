import { exitCodes, type ToolDeclaration } from '@vigil/protocol'
import {
  describeModules,
  idlePolicies,
  type LoadedManifest,
  type Manifest,
  nextFires,
  type PlacedProblem,
  problemLine,
  readConfiguration,
  readManifests,
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
    const stat = await manifestDisk.stat(manifest.entrypoint)
    if (stat?.kind === 'file') continue
    missing.push({
      code: 'INVALID_CONFIG',
      file,
      path: 'entrypoint',
      message: `expected a module at ${manifest.entrypoint}, found ${stat?.kind ?? 'nothing'}`,
    })
  }
  const present = loaded.filter(({ file }) => !missing.some((each) => each.file === file))
  const modules = await modulesOf(present)
  missing.push(...modules.flatMap(({ problem }) => problem ?? []))
  warnings.push(...modules.flatMap(({ idle }) => idle))
  const toolsOf = new Map(modules.map(({ file, tools }) => [file, tools]))
  const all = [...problems, ...missing]
  const bad = new Set(all.map(({ file }) => file))
  const good = loaded.filter(({ file }) => !bad.has(file))
  return {
    lines: [
      ...good.flatMap(({ manifest, file }) => [
        `ok ${manifest.name} ${file}`,
        ...schedules(manifest, now),
        ...(toolsOf.get(file) ?? []).map(toolLine),
      ]),
      ...warnings.map((warning) => `warning ${problemLine(warning)}`),
      ...all.map((problem) => `error ${problemLine(problem)}`),
    ],
    document: { ok: all.length === 0, processes: good.map(({ manifest }) => manifest.name), problems: all, warnings },
    exitCode: all.length === 0 ? exitCodes.done : exitCodes.usage,
  }
}

const schedules = (manifest: Manifest, now: Date): string[] =>
  manifest.triggers.flatMap((trigger) => {
    if (trigger.type !== 'cron') return []
    const fires = nextFires(trigger.cronExpression, trigger.timezone, now, shownFires)
    return [`   cron "${trigger.cronExpression}" ${trigger.timezone}: next ${fires.join(', ')}`]
  })

interface ModuleFound {
  readonly file: string
  readonly tools: readonly ToolDeclaration[]
  readonly problem: PlacedProblem | undefined
  /** Policies under which no tool of the module falls. */
  readonly idle: readonly PlacedProblem[]
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
      return { file, tools: [], problem: placed('entrypoint', message), idle: [] }
    }
    const names = found.tools.map(({ name }) => name)
    const idle = idlePolicies(manifest, names).map((path) => {
      const known = names.length === 0 ? 'none' : names.join(', ')
      return placed(path, `expected a tool of the module that it matches, found ${known}`)
    })
    return { file, tools: found.tools, problem: undefined, idle }
  })
}

const isGiven = (right: boolean | readonly string[]): boolean => (typeof right === 'boolean' ? right : right.length > 0)

function toolLine({ name, once, irreversible, cost, needs_approval: approval }: ToolDeclaration): string {
  const said = [
    irreversible === true ? 'irreversible' : once === true ? 'once' : undefined,
    approval === true ? 'needs approval' : undefined,
    cost === undefined ? undefined : `$${cost}`,
  ].filter((word) => word !== undefined)
  return `   tool ${name}${said.length === 0 ? '' : `: ${said.join(', ')}`}`
}
