import { z } from 'zod'
import type { BudgetDocument } from './budget.ts'
import { checkFleetBudget } from './budget-checks.ts'
import { atLeast, duration, name, oneOf, section, text } from './fields.ts'
import { notifySchema, ofNotify } from './notify.ts'
import { checkManifest, describeFound, issueProblems, type ManifestProblem } from './problems.ts'
import { providerSchema, providersSchema, withProviders } from './providers.ts'
import { isPlainObject } from './spelling.ts'

/** The one schema of `vigil.yaml`: what belongs to the whole fleet. */
const group = z.strictObject(
  {
    name,
    strategy: oneOf(['one_for_one', 'one_for_all', 'rest_for_one']).default('one_for_one'),
    intensity: atLeast(0, 3),
    period: duration('60s', 1),
    auto_shutdown: oneOf(['never', 'any_significant', 'all_significant']).default('never'),
    children: z.array(text('the name of an agent or a group'), { error: 'a list of names' }).default([]),
    parent: text('the name of a group').optional(),
  },
  section,
)

const atLeastOne = 'a whole number, 1 or more'
const cells = z.strictObject(
  {
    size: atLeast(1, 8),
    spares: atLeast(0, 1),
    max_resident: z.int({ error: atLeastOne }).min(1, { error: atLeastOne }).optional(),
  },
  section,
)

const segmentSize = 'a whole number from 1 to 1024'
const journal = z.strictObject(
  {
    segment_mb: z
      .int({ error: segmentSize })
      .min(1, { error: segmentSize })
      .max(1_024, { error: segmentSize })
      .default(64),
    retention_days: z.int({ error: atLeastOne }).min(1, { error: atLeastOne }).optional(),
    retention_mb: z.int({ error: atLeastOne }).min(1, { error: atLeastOne }).optional(),
  },
  section,
)

const hash = 'the SHA-256 of the token, 64 hexadecimal digits'
const token = z.strictObject(
  {
    name,
    hash: z.string({ error: hash }).regex(/^[0-9a-f]{64}$/, { error: hash }),
    role: oneOf(['reader', 'operator', 'admin']),
    select: z.record(z.string(), z.string({ error: 'a text' }), { error: 'a map of labels' }).default({}),
  },
  section,
)
const tokens = z
  .array(token, { error: 'a list of tokens' })
  .refine((all) => new Set(all.map((each) => each.name)).size === all.length, {
    error: 'a list of tokens with names of their own',
  })
  .refine((all) => all.every((each) => each.name !== 'operator'), {
    error: 'other names than operator, which is the token of the data directory',
  })

const vault = z.strictObject({ key_file: text('the path of a file that holds a key of 32 bytes').optional() }, section)

export const configurationSchema = z.strictObject(
  {
    providers: providersSchema.default({}),
    groups: z.array(group, { error: 'a list of groups' }).default([]),
    cells: cells.prefault({}),
    journal: journal.prefault({}),
    tokens: tokens.default([]),
    vault: vault.prefault({}),
    budget: z.unknown().optional(),
    notify: notifySchema.optional(),
    defaults: z.record(z.string(), z.unknown(), { error: 'a map of manifest fields' }).default({}),
  },
  { error: 'a configuration: a map of fields' },
)

/** A checked configuration, every default filled in, durations in milliseconds. */
export type ConfigurationDocument = Omit<z.output<typeof configurationSchema>, 'budget'> & {
  readonly budget: BudgetDocument | undefined
}

export type ConfigurationCheck =
  | { readonly ok: true; readonly value: ConfigurationDocument }
  | { readonly ok: false; readonly problems: readonly ManifestProblem[] }

export function checkConfiguration(raw: unknown): ConfigurationCheck {
  // A file of comments alone configures nothing.
  const given = withProviders(raw ?? {})
  const parsed = configurationSchema.safeParse(given)
  if (parsed.success) {
    const { budget: limits, notify } = parsed.data
    const budget = limits === undefined ? undefined : checkFleetBudget(limits)
    const problems = [
      ...defaultsProblems(parsed.data.defaults),
      ...notifyProblems(notify),
      ...(budget?.ok === false ? budget.problems : []),
    ]
    if (problems.length > 0) return { ok: false, problems }
    return { ok: true, value: { ...parsed.data, budget: budget?.ok === true ? budget.budget : undefined } }
  }
  if (!isPlainObject(raw)) {
    const message = `expected a configuration: a map of fields, found ${describeFound(raw)}`
    return { ok: false, problems: [{ code: 'INVALID_CONFIG', path: [], message }] }
  }
  const sections: Partial<Record<string, { readonly shape: object }>> = {
    cells,
    journal,
    vault,
    notify: notifySchema,
  }
  const fieldsAt = (path: readonly (string | number)[]): string[] =>
    Object.keys(
      path.length === 0
        ? configurationSchema.shape
        : (sections[String(path[0])] ?? rows[String(path[0])] ?? group).shape,
    )
  const rows: Partial<Record<string, { readonly shape: object }>> = { tokens: token, providers: providerSchema }
  const problems = parsed.error.issues.flatMap((issue) => issueProblems(issue, given, fieldsAt))
  return { ok: false, problems: problems.map((problem) => ({ ...problem, path: asWritten(problem.path, raw) })) }
}

/** `models` is another word for `providers`. */
const asWritten = (path: ManifestProblem['path'], raw: object): ManifestProblem['path'] =>
  path[0] === 'providers' && !('providers' in raw) && 'models' in raw ? ['models', ...path.slice(1)] : path

const notifyProblems = (notify: ConfigurationDocument['notify']): ManifestProblem[] =>
  ofNotify(notify, ['notify']).map(({ path, expected, found }) => ({
    code: 'INVALID_CONFIG',
    path,
    message: `expected ${expected}, found ${found}`,
  }))

/** Each has to be good in any manifest, also in one that says nothing else. */
function defaultsProblems(defaults: Readonly<Record<string, unknown>>): ManifestProblem[] {
  if ('name' in defaults)
    return [{ code: 'INVALID_CONFIG', path: ['defaults', 'name'], message: 'expected no name: each agent has its own' }]
  const check = checkManifest({ entrypoint: './agent.ts', ...defaults, name: 'agent' })
  return check.ok ? [] : check.problems.map((problem) => ({ ...problem, path: ['defaults', ...problem.path] }))
}
