import { budgetAliases } from './budget.ts'
import { splitGlob } from './glob.ts'

/**
 * Everything that may be spelled in two ways, brought to the one canonical spelling before the schema
 * looks: aliases of fields and values, and the short forms of triggers, files and policies. The schema
 * knows only canonical names; `spellingsOf` leads a problem back to the word that its author wrote.
 */
const rootAliases: Readonly<Record<string, string>> = { max_invocation_time: 'max_turn', trigger_delivery: 'delivery' }
const contextAliases: Readonly<Record<string, string>> = { world: 'initial_state' }
const triggerAliases: Readonly<Record<string, string>> = {
  cron_timezone: 'timezone',
  watch_events: 'events',
  from_agent: 'from',
  filter_expression: 'filter',
  file_watch: 'file',
  signature_scheme: 'scheme',
  hmac_secret: 'secret',
}
const toolCostAliases: Readonly<Record<string, string>> = { cost_weight: 'cost' }
const policies: Readonly<Record<string, string>> = { permanent: 'always', transient: 'on_failure', temporary: 'never' }

/** What else an author may have written where the schema says `canonical`; nearest first. */
const written: Readonly<Record<string, readonly string[]>> = {
  max_turn: ['max_invocation_time'],
  delivery: ['trigger_delivery'],
  initial_state: ['world'],
  timezone: ['cron_timezone'],
  events: ['watch_events'],
  from: ['message', 'from_agent'],
  filter: ['filter_expression'],
  cron_expression: ['cron'],
  watch_path: ['file', 'file_watch'],
  watch_patterns: ['file', 'file_watch'],
  event_type: ['event'],
  webhook_path: ['webhook'],
  scheme: ['signature_scheme'],
  secret: ['hmac_secret'],
  cost: ['cost_weight'],
  ...(Object.groupBy(Object.keys(budgetAliases), (alias) => budgetAliases[alias] as string) as Record<
    string,
    string[]
  >),
}

/** Every spelling of a field, the canonical one first. */
export const spellingsOf = (field: string): readonly string[] => [field, ...(written[field] ?? [])]

/** A clash that only the raw document shows, such as a field given under both of its names. */
export interface SpellingProblem {
  readonly path: readonly (string | number)[]
  readonly expected: string
  readonly found: string
}

type Raw = Record<string, unknown>
type Path = readonly (string | number)[]

export const isPlainObject = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The same document in canonical spelling; what is not understood is left for the schema to refuse. */
export function canonicalSpelling(document: Raw): {
  readonly document: Raw
  readonly problems: readonly SpellingProblem[]
} {
  const problems: SpellingProblem[] = []
  const renamed = rename(document, rootAliases, [], problems)
  const policy = renamed.restart_policy
  if (typeof policy === 'string' && Object.hasOwn(policies, policy)) renamed.restart_policy = policies[policy]
  const context = renamed.context
  if (isPlainObject(context)) renamed.context = rename(context, contextAliases, ['context'], problems)
  if (renamed.budget !== undefined) renamed.budget = canonicalBudget(renamed.budget, problems)
  const files = renamed.files
  if (isPlainObject(files))
    renamed.files = mapValues(files, (file) => (typeof file === 'string' ? { path: file } : file))
  const tools = renamed.tools
  if (isPlainObject(tools))
    renamed.tools = mapValues(tools, (tool) => (typeof tool === 'boolean' ? { allowed: tool } : tool))
  const secrets = renamed.secrets
  if (isPlainObject(secrets))
    renamed.secrets = mapValues(secrets, (secret) => (typeof secret === 'string' ? { value: secret } : secret))
  const triggers = renamed.triggers
  if (Array.isArray(triggers)) {
    renamed.triggers = triggers.map((trigger, index) => canonicalTrigger(trigger, ['triggers', index], problems))
  }
  return { document: renamed, problems }
}

/** Of a whole manifest and of a fleet alike. */
export function canonicalBudget(budget: unknown, problems: SpellingProblem[]): unknown {
  if (budget === 'unlimited') return { unlimited: true }
  if (!isPlainObject(budget)) return budget
  const renamed = rename(budget, budgetAliases, ['budget'], problems)
  const costs = renamed.tool_costs
  if (!isPlainObject(costs)) return renamed
  const cost = (each: unknown, tool: string): unknown =>
    isPlainObject(each)
      ? rename(each, toolCostAliases, ['budget', 'tool_costs', tool], problems)
      : typeof each === 'number'
        ? { cost: each }
        : each
  return {
    ...renamed,
    tool_costs: Object.fromEntries(Object.entries(costs).map(([tool, each]) => [tool, cost(each, tool)])),
  }
}

function rename(source: Raw, aliases: Readonly<Record<string, string>>, path: Path, problems: SpellingProblem[]): Raw {
  const target: Raw = {}
  for (const [key, value] of Object.entries(source)) {
    const canonical = Object.hasOwn(aliases, key) ? (aliases[key] as string) : key
    if (Object.hasOwn(target, canonical)) {
      problems.push({
        path: [...path, key],
        expected: `${canonical} once`,
        found: `it also under its other name, ${key}`,
      })
    }
    target[canonical] = value
  }
  return target
}

const shortForms: Readonly<Record<string, (value: unknown) => Raw>> = {
  cron: (value) => ({ type: 'cron', cron_expression: value }),
  file: (value) => ({ type: 'file_watch', ...(typeof value === 'string' ? splitGlob(value) : { watch_path: value }) }),
  event: (value) => ({ type: 'event', event_type: value }),
  message: (value) => ({ type: 'message', from: value }),
  webhook: (value) => ({ type: 'webhook', webhook_path: value }),
}

function canonicalTrigger(trigger: unknown, path: Path, problems: SpellingProblem[]): unknown {
  if (!isPlainObject(trigger)) return trigger
  const renamed = rename(trigger, triggerAliases, path, problems)
  const kinds = Object.keys(renamed).filter((key) => key === 'type' || Object.hasOwn(shortForms, key))
  const [kind, second] = kinds
  if (kind === undefined) return renamed
  if (second !== undefined) {
    problems.push({
      path: [...path, second],
      expected: 'one kind of trigger per entry',
      found: `${kind} and ${second}`,
    })
    return undefined
  }
  if (kind === 'type') return renamed.type === 'webhook' ? verifiedBySecret(renamed, 'generic') : longFileForm(renamed)
  const { [kind]: value, ...rest } = renamed
  const full = { ...shortForms[kind]?.(value), ...rest }
  return kind === 'webhook' ? verifiedBySecret(full, 'standard') : full
}

/** One secret is a list of one; who gives a secret wants it asked for; the scheme that is meant is that of the form. */
function verifiedBySecret(trigger: Raw, scheme: string): Raw {
  const { secret, verify_hmac: verify = secret === undefined ? undefined : true, ...rest } = trigger
  return {
    ...(verify === true ? { scheme } : {}),
    ...rest,
    ...(verify === undefined ? {} : { verify_hmac: verify }),
    ...(secret === undefined ? {} : { secret: Array.isArray(secret) ? secret : [secret] }),
  }
}

/** The long form may carry its wildcard in the path as well; one that has patterns of its own is taken as it is. */
function longFileForm(trigger: Raw): Raw {
  const path = trigger.watch_path
  if (trigger.type !== 'file_watch' || typeof path !== 'string') return trigger
  if (trigger.watch_patterns !== undefined || !/[*?]/.test(path)) return trigger
  return { ...splitGlob(path), ...trigger, watch_path: splitGlob(path).watch_path }
}

function mapValues(source: Raw, change: (value: unknown) => unknown): Raw {
  return Object.fromEntries(Object.entries(source).map(([key, value]) => [key, change(value)]))
}
