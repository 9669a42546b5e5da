import { exitCodes } from '@vigil/protocol'
import {
  type Manifest,
  nextFires,
  type PlacedProblem,
  problemLine,
  readConfiguration,
  readManifests,
} from '@vigil/supervisor'
import type { Environment } from './command-line.ts'
import { manifestDisk } from './data-files.ts'

/** Checks manifests without running anything: the same reading as a start, and whether each module is there. */
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
  const warnings = [...found.warnings, ...fleet.warnings]
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
  const all = [...problems, ...missing]
  const bad = new Set(all.map(({ file }) => file))
  const good = loaded.filter(({ file }) => !bad.has(file))
  return {
    lines: [
      ...good.flatMap(({ manifest, file }) => [`ok ${manifest.name} ${file}`, ...schedules(manifest, now)]),
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
