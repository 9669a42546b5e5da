import { dirname, join, resolve } from 'node:path'
import { type ConfigurationDocument, checkConfiguration, VigilError } from '@vigil/protocol'
import { type AgentBudget, agentBudget } from '../ledger/agent-budget.ts'
import { isProviderKey, providersOf } from '../models/provider-document.ts'
import { isComplete, type Providers, providerProblem } from '../models/provider-settings.ts'
import { type Group, groupsOf } from '../supervision/groups.ts'
import type { LoadOptions } from './load.ts'
import type { NoticeTarget } from './manifest.ts'
import { isNoticeSecret, noticeTarget } from './notice-target.ts'
import { manifestError, type PlacedProblem } from './problem-report.ts'
import { type Checked, type Reading, type ReadOptions, readYaml } from './yaml-text.ts'

/** What belongs to the whole fleet; in camelCase, every default filled in. */
export interface Configuration {
  /** Supervisors over agents and other groups. */
  readonly groups: readonly Group[]
  readonly cells: CellsConfiguration
  readonly journal: JournalConfiguration
  /** Who may call, beside the owner of the data directory. */
  readonly tokens: ConfigurationDocument['tokens']
  /** Where the key lies that secrets are sealed with, absolute; VIGIL_KEY goes before it. */
  readonly vault?: { readonly keyFile?: string | undefined }
  /** The purse of all agents together; none without one. */
  readonly budget?: AgentBudget | undefined
  /** Providers of models, beside those that Vigil knows, and what is different about those. */
  readonly providers?: Providers | undefined
  /** Where people are told, for agents whose manifest does not say. */
  readonly notify?: NoticeTarget | undefined
  /** Fields as in a manifest file, for manifest files that do not have them. */
  readonly defaults: Readonly<Record<string, unknown>>
}

export interface JournalConfiguration {
  /** Size at which a segment is sealed. */
  readonly segmentBytes: number
  /** How much of the log is kept beyond what recovery needs; default everything. */
  readonly retention: { readonly ageMs?: number | undefined; readonly bytes?: number | undefined }
}

export interface CellsConfiguration {
  /** Agents of one trust group that share a cell at most. */
  readonly size: number
  /** Cells that stand ready, and threads in each shared cell: a wake does not wait for one to start. */
  readonly spares: number
  /** Lives at a time; the others wait, and who is idle makes room. Undefined: as the memory of the machine allows. */
  readonly maxResident?: number | undefined
}

export const defaultCells: CellsConfiguration = { size: 8, spares: 1 }

export const defaultJournal: JournalConfiguration = { segmentBytes: 64 * 1_048_576, retention: {} }

export const configurationFile = 'vigil.yaml'

/**
 * The configuration at `file`, or else of the one folder among `paths` that has a `vigil.yaml`; without either the empty one.
 * @throws INVALID_CONFIG, UNKNOWN_FIELD, MISSING_FIELD, ENV_MISSING with every problem in `details`
 */
export async function loadConfiguration(
  { file, paths }: { readonly file: string | undefined; readonly paths: readonly string[] },
  options: LoadOptions,
): Promise<Configuration> {
  const { value, problems, warnings } = await readConfiguration({ file, paths }, options)
  const all = [...problems, ...warnings]
  if (all.length > 0) throw manifestError(all)
  return value ?? { groups: [], cells: defaultCells, journal: defaultJournal, tokens: [], defaults: {} }
}

/** The same without throwing for what the file holds. */
export async function readConfiguration(
  { file, paths }: { readonly file: string | undefined; readonly paths: readonly string[] },
  { fileSystem, env }: LoadOptions,
): Promise<Reading<Configuration>> {
  const found: string[] = file === undefined ? [] : [file]
  if (file === undefined)
    for (const path of paths.map((each) => join(each, configurationFile)))
      if ((await fileSystem.stat(path))?.kind === 'file') found.push(path)
  const [path, second] = found
  if (path === undefined) return { problems: [], warnings: [] }
  if (second !== undefined) return { problems: [twice(second, path)], warnings: [] }
  if ((await fileSystem.stat(path))?.kind !== 'file')
    throw new VigilError('INVALID_CONFIG', `expected a configuration at ${path}, found nothing`)
  return parseConfiguration(new TextDecoder().decode(await fileSystem.readFile(path)), { file: path, env })
}

export function parseConfiguration(text: string, options: ReadOptions): Reading<Configuration> {
  const reading = readConfigurationText(text, options)
  // A key that is not there makes those wait who think with it, and stops nothing.
  return { ...reading, warnings: reading.warnings.filter(({ path }) => !isProviderKey(path.split('.'))) }
}

const keeps: ReadOptions['keeps'] = (path) => isNoticeSecret(path) || isProviderKey(path)

const readConfigurationText = (text: string, options: ReadOptions): Reading<Configuration> =>
  readYaml(text, { keeps, ...options }, (raw): Checked<Configuration> => {
    const check = checkConfiguration(raw)
    if (!check.ok) return check
    const incomplete = Object.entries(check.value.providers).find(
      ([name, { base_url: baseUrl }]) => !isComplete(name, baseUrl),
    )
    if (incomplete !== undefined)
      return {
        ok: false,
        problems: [
          { code: 'INVALID_CONFIG', path: ['providers', incomplete[0]], message: providerProblem(incomplete[0]) },
        ],
      }
    const groups = check.value.groups.map(groupOf)
    const { max_resident: maxResident, ...cells } = check.value.cells
    try {
      groupsOf(groups)
      const { journal, tokens, notify, defaults, budget, vault, providers } = check.value
      const { key_file: keyFile } = vault
      const purse = budget === undefined ? undefined : agentBudget(budget, dirname(options.file))
      return {
        ok: true,
        value: {
          groups,
          cells: { ...cells, maxResident },
          journal: journalOf(journal),
          tokens,
          budget: purse,
          ...(keyFile === undefined ? {} : { vault: { keyFile: resolve(dirname(options.file), keyFile) } }),
          notify: noticeTarget(notify, dirname(options.file)),
          ...(Object.keys(providers).length === 0 ? {} : { providers: providersOf(providers, dirname(options.file)) }),
          defaults,
        },
      }
    } catch (error) {
      const { message } = error as Error
      return { ok: false, problems: [{ code: 'INVALID_CONFIG', path: ['groups'], message }] }
    }
  })

const megabyte = 1_048_576

const journalOf = ({
  segment_mb,
  retention_days,
  retention_mb,
}: ConfigurationDocument['journal']): JournalConfiguration => ({
  segmentBytes: segment_mb * megabyte,
  retention: {
    ageMs: retention_days === undefined ? undefined : retention_days * 86_400_000,
    bytes: retention_mb === undefined ? undefined : retention_mb * megabyte,
  },
})

const groupOf = ({ parent, ...group }: ConfigurationDocument['groups'][number]): Group => ({
  name: group.name,
  strategy: group.strategy,
  intensity: group.intensity,
  periodMs: group.period,
  autoShutdown: group.auto_shutdown,
  children: group.children,
  ...(parent === undefined ? {} : { parent }),
})

const twice = (file: string, other: string): PlacedProblem => ({
  code: 'INVALID_CONFIG',
  file,
  path: '',
  message: `expected one configuration, found a second beside ${other}`,
  hint: 'name one with --config',
})
