import type { z } from 'zod'
import { budgetAliases, budgetSchema } from './budget.ts'
import { type Contradiction, contradictions } from './contradictions.ts'
import { customTriggers } from './custom-triggers.ts'
import { nearest } from './nearest-word.ts'
import { type ManifestDocument, manifestSchema, toolSchema } from './schema.ts'
import { canonicalSpelling, isPlainObject, type SpellingProblem, spellingsOf } from './spelling.ts'

/**
 * Checks a raw manifest and says everything that is wrong with it at once, in one form: where, what was
 * expected, what was found, and what its author probably meant.
 */
export interface ManifestProblem {
  readonly code: 'INVALID_CONFIG' | 'UNKNOWN_FIELD' | 'MISSING_FIELD' | 'ENV_MISSING'
  /** Keys and indexes from the root, as they are written in the document. */
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly hint?: string
}

export type ManifestCheck =
  | { readonly ok: true; readonly manifest: ManifestDocument }
  | { readonly ok: false; readonly problems: readonly ManifestProblem[] }

/** `triggerTypes`: those that are registered beside the built-in ones. */
export function checkManifest(
  raw: unknown,
  triggerTypes: ReadonlySet<string> = new Set(),
  /** What stands where the manifest says nothing. */
  defaults: Readonly<Record<string, unknown>> = {},
): ManifestCheck {
  if (!isPlainObject(raw)) {
    const message = `expected a manifest: a map of fields, found ${describeFound(raw)}`
    return { ok: false, problems: [{ code: 'INVALID_CONFIG', path: [], message }] }
  }
  const spelled = canonicalSpelling(customTriggers(raw, triggerTypes))
  const whole = layered(canonicalSpelling(defaults).document, spelled.document)
  const parsed = manifestSchema.safeParse(whole)
  const together = parsed.success
    ? contradictions(parsed.data).map((each) => ofSpelling({ ...each, path: writtenPath(each.path, raw) }))
    : []
  const idle = whole.entrypoint === undefined && whole.model === undefined ? [nothingToRun] : []
  if (parsed.success && spelled.problems.length + together.length + idle.length === 0)
    return { ok: true, manifest: parsed.data }
  const clashes = spelled.problems.map(ofSpelling)
  // A trigger that clashes was taken out of the document, so what the schema says about the hole is noise.
  const said = new Set(clashes.map((clash) => clash.path.slice(0, 2).join('.')))
  const issues = parsed.success
    ? []
    : parsed.error.issues.filter((issue) => !said.has(issue.path.slice(0, 2).join('.')))
  return {
    ok: false,
    problems: [
      ...clashes,
      ...together,
      ...idle,
      ...issues.flatMap((issue) => issueProblems(issue, raw, knownFields).map(typeHint(raw, triggerTypes))),
    ],
  }
}

const nothingToRun: ManifestProblem = {
  code: 'MISSING_FIELD',
  path: ['entrypoint'],
  message: 'expected entrypoint: a path to a module, or model: what thinks without one, found neither',
}

type Fields = Readonly<Record<string, unknown>>

/** Sections are joined field by field; any other value of the upper layer stands for that of the lower. */
function layered(lower: Fields, upper: Fields): Fields {
  const joined: Record<string, unknown> = { ...lower, ...upper }
  for (const [key, value] of Object.entries(upper)) {
    const below = lower[key]
    // Who has no limit has none of those either, and who has some is not without.
    const isSwitch = key === 'budget' && [below, value].some((budget) => isPlainObject(budget) && 'unlimited' in budget)
    if (isPlainObject(below) && isPlainObject(value) && !isSwitch) joined[key] = layered(below, value)
  }
  return joined
}

const builtIn = ['cron', 'webhook', 'file_watch', 'event', 'message']

/** The type of a trigger with a typo. */
const typeHint =
  (raw: unknown, triggerTypes: ReadonlySet<string>) =>
  (problem: ManifestProblem): ManifestProblem => {
    if (problem.path[0] !== 'triggers' || problem.path[2] !== 'type') return problem
    const near = nearest(String(valueAt(problem.path, raw)), [...builtIn, ...triggerTypes])
    return near === undefined ? problem : { ...problem, hint: `did you mean ${near}?` }
  }

const ofSpelling = (problem: SpellingProblem | Contradiction): ManifestProblem => ({
  code: 'INVALID_CONFIG',
  path: problem.path,
  message: `expected ${problem.expected}, found ${problem.found}`,
})

/** What a schema says, in the one form. `fieldsAt` are the fields that an object at a path may have. */
export function issueProblems(
  issue: z.core.$ZodIssue,
  raw: unknown,
  fieldsAt: (path: readonly (string | number)[], value: unknown) => readonly string[],
): ManifestProblem[] {
  const path = writtenPath(issue.path as (string | number)[], raw)
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(issue.path as (string | number)[], valueAt(path, raw))
    return issue.keys.map((key) => unknownField([...path, key], key, known))
  }
  // zod reports a bad name of a map entry at the map, with the reason inside.
  const expected = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message
  const value = issue.code === 'invalid_key' ? issue.path.at(-1) : valueAt(path, raw)
  // A message may be read by many: what was written where a secret belongs stays out of it.
  const isSecret =
    (path[0] === 'triggers' && ['secret', 'hmac_secret'].includes(String(path[2]))) ||
    (path[0] === 'secrets' && (path.length === 2 || path[2] === 'value')) ||
    (path[0] === 'servers' && (path[2] === 'headers' || path[2] === 'env'))
  const found = isSecret && typeof value === 'string' ? 'a text of another form' : describeFound(value)
  if (found === 'nothing' && valueAt(path, raw) === undefined) {
    if (path[0] === 'triggers' && path[2] === 'type') return [kindlessTrigger(path.slice(0, 2), raw, expected)]
    return [{ code: 'MISSING_FIELD', path, message: `expected ${String(path.at(-1))}: ${expected}, found nothing` }]
  }
  const hint = nearWord(valueAt(path, raw), expected)
  return [
    {
      code: 'INVALID_CONFIG',
      path,
      message: `expected ${expected}, found ${found}`,
      ...(hint === undefined ? {} : { hint }),
    },
  ]
}

function unknownField(path: readonly (string | number)[], key: string, known: readonly string[]): ManifestProblem {
  const near = nearest(key, known)
  const message = `expected a known field, found ${key}`
  return {
    code: 'UNKNOWN_FIELD',
    path,
    message,
    hint: near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${near}?`,
  }
}

/** An entry under `triggers` that names no kind: what it does name is probably a kind with a typo. */
function kindlessTrigger(path: readonly (string | number)[], raw: unknown, expected: string): ManifestProblem {
  const keys = Object.keys(valueAt(path, raw) as object)
  const near = keys
    .map((key) => nearest(key, ['cron', 'webhook', 'file', 'event', 'message', 'type']))
    .find((word) => word !== undefined)
  const message = `expected ${expected}, found ${keys.length === 0 ? 'an empty map' : `only ${keys.join(', ')}`}`
  return { code: 'INVALID_CONFIG', path, message, ...(near === undefined ? {} : { hint: `did you mean ${near}?` }) }
}

/** The path in the words of the document: an alias or a short form instead of the canonical field. */
function writtenPath(path: readonly (string | number)[], raw: unknown): (string | number)[] {
  const result: (string | number)[] = []
  let here: unknown = raw
  for (const key of path) {
    if (!isPlainObject(here)) {
      // A short form such as `files: { out: ./out }` holds a plain value where the schema sees fields.
      if (!Array.isArray(here)) break
      result.push(key)
      here = here[key as number]
      continue
    }
    const record = here
    const spelling = spellingsOf(String(key)).find((name) => Object.hasOwn(record, name)) ?? key
    result.push(spelling)
    here = record[spelling]
  }
  return result
}

function valueAt(path: readonly (string | number)[], raw: unknown): unknown {
  let here: unknown = raw
  for (const key of path) here = (here as Record<string | number, unknown> | null | undefined)?.[key]
  return here
}

/** Fields of the object at a path, canonical names and aliases, for "did you mean". */
function knownFields(path: readonly (string | number)[], value: unknown): string[] {
  if (path[0] === 'triggers') return triggerFields(isPlainObject(value) ? value : {})
  const shape = path.length === 0 ? manifestSchema.shape : sectionShape(String(path[0]))
  return Object.keys(shape)
}

function sectionShape(name: string): Readonly<Record<string, unknown>> {
  if (name === 'files') return { path: true, mode: true }
  if (name === 'budget') return { ...budgetSchema.shape, ...budgetAliases }
  if (name === 'tools') return toolSchema.shape
  const field: unknown = (manifestSchema.shape as Record<string, unknown>)[name]
  const inner = (field as { unwrap?: () => { shape?: Record<string, unknown> } }).unwrap?.()
  return inner?.shape ?? {}
}

function triggerFields(trigger: Readonly<Record<string, unknown>>): string[] {
  return [...ownFields(trigger), 'filter', 'enabled', 'rate_limit', 'batch', 'concurrency_key']
}

function ownFields(trigger: Readonly<Record<string, unknown>>): string[] {
  const kind = String(trigger.type ?? '')
  if ('cron' in trigger || kind === 'cron') return ['timezone', ...(kind === '' ? [] : ['cron_expression'])]
  if ('file' in trigger || 'file_watch' in trigger || kind === 'file_watch') {
    return ['events', 'recursive', 'debounce', 'existing', ...(kind === '' ? [] : ['watch_path', 'watch_patterns'])]
  }
  if ('webhook' in trigger || kind === 'webhook') return [...webhookFields, ...(kind === '' ? [] : ['webhook_path'])]
  if ('event' in trigger || kind === 'event')
    return ['source', 'debounce', 'key', ...(kind === '' ? [] : ['event_type'])]
  return ['topic', 'schema', 'debounce', 'key', ...(kind === '' ? [] : ['from'])]
}

const webhookFields = [
  'verify_hmac',
  'scheme',
  'secret',
  'signature_header',
  'signature_prefix',
  'signature_encoding',
  'auth',
  'allowed_sources',
  'debounce',
  'key',
]

const nearWord = (value: unknown, expected: string): string | undefined => {
  if (typeof value !== 'string' || !expected.startsWith('one of ')) return undefined
  const near = nearest(value, expected.slice('one of '.length).split(', '))
  return near === undefined ? undefined : `did you mean ${near}?`
}

/** A value in the words of a message, short enough for one line. */
export function describeFound(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value !== 'string') return `the ${typeof value} ${String(value)}`
  return value.length > 60 ? `${JSON.stringify(value.slice(0, 57))}...` : JSON.stringify(value)
}
