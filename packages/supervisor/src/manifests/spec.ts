import { fileURLToPath } from 'node:url'
import { checkManifest, type LimitField, type ManifestProblem, type SimRule, VigilError } from '@vigil/protocol'
import { withOptions } from '../triggers/custom/trigger-options.ts'
import type { TriggerTypes } from '../triggers/custom/trigger-type.ts'
import { effectiveManifest } from './effective.ts'
import type { Manifest } from './manifest.ts'
import { manifestError, type PlacedProblem } from './problem-report.ts'
import { patternProblems, policyProblems } from './schedule.ts'
import { withSchemas } from './schemas.ts'
import { withSimRules } from './sim-rules.ts'
import { twinProblems } from './twins.ts'

/**
 * A manifest given by a program: the fields of the file in camelCase. It goes through the same schema as a
 * file does, so the two can never disagree; problems come back in camelCase.
 */
export type Duration = string | number

/** What every kind of trigger may have. */
interface TriggerOptionsSpec {
  /** Default true. */
  readonly enabled?: boolean
  /** Such as `payload.severity == 'high'`: what does not fit is not taken. */
  readonly filter?: string
  /** Such as `'30/1h'`: so many turns begin within any hour, the other events wait. */
  readonly rateLimit?: string
  /** One turn takes up to `max` (50) events, `within` (10 s) after the first of them at the latest. */
  readonly batch?: { readonly max?: number; readonly within?: Duration }
  /** A path such as `payload.customer`: events with one value at it run one after the other, others beside them. */
  readonly concurrencyKey?: string
}

/** For kinds that tell single happenings. */
interface SettlingSpec {
  /** Of events with one `key` that follow each other within so long only the last is handled. */
  readonly debounce?: Duration
  readonly key?: string
}

type SecretSpec = string | { readonly file: string }

export type TriggerSpec = TriggerOptionsSpec & TriggerKindSpec

type TriggerKindSpec =
  | {
      readonly type: 'cron'
      readonly cronExpression: string
      readonly timezone?: string
      /** Which slots count that passed while the process did not run; default `latest`. */
      readonly catchUp?: 'none' | 'latest' | 'all'
      /** What becomes of a slot while an earlier one is unfinished; default `skip`. */
      readonly overlap?: 'skip' | 'buffer_one' | 'buffer_all' | 'cancel_other' | 'terminate_other' | 'allow_all'
      /** Fires up to that much later, each slot at an instant of its own; default 0. */
      readonly jitter?: Duration
    }
  | ({
      readonly type: 'webhook'
      /** Such as `/alert`: served at `/hooks/alert`. */
      readonly webhookPath: string
      /** Default true when there is a secret. */
      readonly verifyHmac?: boolean
      readonly scheme?: 'standard' | 'github' | 'stripe' | 'slack' | 'generic'
      /** A reference, never the secret itself: `'${ALERT_SECRET}'` is looked up in the `env` of the supervisor. Two: rotation. */
      readonly secret?: SecretSpec | readonly SecretSpec[]
      readonly signatureHeader?: string
      readonly signaturePrefix?: string
      readonly signatureEncoding?: 'hex' | 'base64'
      /** Instead of a signature: the token of the supervisor, or nothing at all. */
      readonly auth?: 'bearer' | 'none'
      /** Such as `['203.0.113.0/24', '2001:db8::/32']`. */
      readonly allowedSources?: readonly string[]
    } & SettlingSpec)
  | {
      readonly type: 'file_watch'
      /** A folder, or a glob such as `./inbox/*.csv`. */
      readonly watchPath: string
      readonly watchPatterns?: readonly string[]
      readonly events?: readonly ('created' | 'modified' | 'deleted')[]
      readonly recursive?: boolean
      readonly debounce?: Duration
      readonly existing?: 'ignore' | 'deliver'
    }
  | ({ readonly type: 'event'; readonly eventType: string; readonly source?: string } & SettlingSpec)
  | ({
      readonly type: 'custom'
      /** One of `triggerTypes` of the supervisor. */
      readonly kind: string
      readonly options?: Readonly<Record<string, unknown>>
    } & SettlingSpec)
  | ({
      readonly type: 'message'
      readonly from?: string
      readonly topic?: string
      /** A JSON Schema (2020-12 or draft-07): content that does not fit is refused to its sender. */
      readonly schema?: Readonly<Record<string, unknown>>
    } & SettlingSpec)

type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : S

export interface NotifySpec {
  /** A URL, or a reference such as `'${HOOK_URL}'`. */
  readonly webhookUrl: string
  readonly format?: 'standard' | 'slack' | 'discord' | 'teams'
  readonly secret?: SecretSpec
}

/** `maxDailyCost`, `maxToolCallsPerInvocation` and so on, as in a manifest file. */
export type BudgetSpec = { readonly [F in LimitField as CamelCase<F>]?: number } & {
  readonly toolCosts?: Readonly<Record<string, number | { readonly cost?: number; readonly irreversible?: boolean }>>
  readonly onExceeded?: 'pause' | 'ask' | 'escalate' | 'stop'
  readonly escalation?: NotifySpec & { readonly eventType?: string }
  /** Part of a limit from which on it is told, default 0.8. */
  readonly warningThreshold?: number
  readonly resetHour?: number
  readonly timezone?: string
}

/** Of all policies that match a tool, and what the tool says itself, the strictest counts. */
export interface ToolSpec {
  readonly allowed?: boolean
  /** `true`, or a filter such as `input.amount > 100`. */
  readonly needsApproval?: boolean | string
  readonly irreversible?: boolean
  /** US dollars a call. */
  readonly cost?: number
  readonly timeout?: Duration
  readonly maxPerTurn?: number
}

/** Without `tools` all of its tools may be called. */
export type ServerSpec = { readonly tools?: readonly string[] } & (
  | { readonly url: string; readonly headers?: Readonly<Record<string, string>> }
  | {
      readonly command: string
      readonly args?: readonly string[]
      readonly env?: Readonly<Record<string, string>>
    }
)

/** Durations are `'30s'` or a number of seconds. Defaults are those of a manifest file. */
export interface SpawnSpec {
  readonly name: string
  /** A module: a URL (`new URL('./agent.ts', import.meta.url)`) or a path. Without one the model runs alone. */
  readonly entrypoint?: URL | string
  /** What it thinks with: `provider:model`. */
  readonly model?: string
  /** What `sim:rules` or `sim:script` says. */
  readonly sim?: readonly SimRule[]
  /** Default 4,096; no answer of the model is longer. */
  readonly maxOutputTokens?: number
  readonly instructions?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly triggers?: readonly TriggerSpec[]
  readonly isolation?: 'auto' | 'process' | 'thread'
  readonly trustGroup?: string
  readonly degrade?: boolean
  readonly memoryMb?: number
  readonly maxTurn?: Duration
  readonly heartbeatTimeout?: Duration
  readonly hibernateAfter?: Duration
  readonly evictable?: boolean
  readonly concurrency?: number
  readonly mailbox?: { readonly max?: number }
  readonly restartPolicy?: 'always' | 'on_failure' | 'never' | 'permanent' | 'transient' | 'temporary'
  readonly maxRestarts?: number
  readonly restartWindow?: Duration
  readonly restartBackoff?: Duration
  readonly stableAfter?: Duration
  readonly maxRestartsWithoutProgress?: number
  readonly shutdownTimeout?: Duration
  readonly maxConsecutiveFailures?: number
  readonly delivery?: {
    readonly maxRetries?: number
    readonly retryBackoff?: Duration
    readonly retryBackoffMax?: Duration
  }
  /** Dollars and counts. Without it: one dollar per turn, five per day. */
  readonly budget?: 'unlimited' | BudgetSpec
  readonly journal?: { readonly bodies?: 'keep' | 'hash'; readonly bodiesRetention?: Duration }
  readonly context?: {
    readonly initialState?: Readonly<Record<string, unknown>>
    readonly writableKeys?: readonly string[]
    readonly env?: readonly string[]
    /** Of the conversation as the model is shown it; default 100 messages, 32,000 tokens. */
    readonly conversationMaxMessages?: number
    readonly conversationMaxTokens?: number
  }
  readonly files?: Readonly<Record<string, string | { readonly path: string; readonly mode?: 'ro' | 'rw' }>>
  /** Name of a tool, or a glob over names -> policy; `false`: it may not be called. */
  readonly tools?: Readonly<Record<string, boolean | ToolSpec>>
  /** References, never the secrets themselves: `'${API_KEY}'` is looked up in the `env` of the supervisor. */
  readonly secrets?: Readonly<
    Record<
      string,
      | string
      | (({ readonly value: string } | { readonly file: string }) & {
          readonly hosts?: readonly string[]
          /** So long after it was read it is zeroed. */
          readonly ttl?: Duration
          /** Code of the agent may hold its bytes for a while; not in the thread tier. */
          readonly lease?: boolean
        })
    >
  >
  /** MCP servers by name; their tools are called `name__tool`. Headers and env hold references such as `'Bearer ${TOKEN}'`. */
  readonly servers?: Readonly<Record<string, ServerSpec>>
  readonly network?: { readonly allow?: readonly string[] }
  readonly approval?: {
    readonly tools?: readonly string[]
    readonly timeout?: Duration
    readonly onTimeout?: 'deny' | 'approve' | 'escalate'
    /** Names of tokens: nobody else may decide. */
    readonly approvers?: readonly string[]
    readonly notify?: NotifySpec
  }
  readonly memory?: {
    /** Default true. */
    readonly enabled?: boolean
    /** Entries that a search gives, default 5, and the least score of each, default 0. */
    readonly max?: number
    readonly minScore?: number
    /** A name: all agents that give it see one memory. */
    readonly share?: string
    /** What its turns with a model come to is stored. */
    readonly autoStore?: boolean
    /** A model for vectors such as `'openai:text-embedding-3-small'`: found by meaning as well as by words. */
    readonly embeddings?: string
  }
  readonly permissions?: {
    readonly rawNetwork?: boolean
    readonly fsRead?: readonly string[]
    readonly fsWrite?: readonly string[]
    readonly childProcess?: boolean
    readonly addons?: boolean
  }
}

/**
 * The effective manifest of a program's spec; relative paths stand on `baseDirectory`. `${VAR}` is not looked
 * up here: a spec may carry foreign text, and a program has its own way to read variables.
 * @throws FUNCTION_NOT_PORTABLE when the entrypoint is a function
 * @throws INVALID_CONFIG, UNKNOWN_FIELD, MISSING_FIELD with every problem in `details`
 */
export function manifestFromSpec(
  spec: SpawnSpec,
  { baseDirectory, triggerTypes = {} }: { readonly baseDirectory: string; readonly triggerTypes?: TriggerTypes },
): Manifest {
  if (typeof (spec.entrypoint as unknown) === 'function') {
    const message = `expected the URL or path of a module as entrypoint of ${spec.name}, found a function, which cannot move into a cell`
    throw new VigilError('FUNCTION_NOT_PORTABLE', message)
  }
  const raw = renameKeys(withoutUndefined({ ...spec, entrypoint: entrypointPath(spec.entrypoint) }), snakeCase) as Raw
  for (const section of sections) raw[section] = renameKeys(raw[section], snakeCase)
  const { approval, budget } = raw as { approval?: Raw; budget?: Raw | string }
  if (typeof budget === 'object')
    raw.budget = withoutUndefined({ ...budget, escalation: renameKeys(budget.escalation, snakeCase) })
  if (approval !== undefined)
    raw.approval = withoutUndefined({ ...approval, notify: renameKeys(approval.notify, snakeCase) })
  raw.tools = renameEach(raw.tools)
  if (Array.isArray(raw.triggers)) raw.triggers = raw.triggers.map((trigger: unknown) => renameKeys(trigger, snakeCase))
  const check = checkManifest(withoutUndefined(raw))
  if (!check.ok) throw manifestError(check.problems.map((problem) => inCamelCase(problem, spec.name)))
  const [wrong] = check.manifest.triggers.flatMap(patternProblems)
  if (wrong !== undefined) throw new VigilError('INVALID_CONFIG', `${spec.name}: ${wrong.message}`)
  const optioned = withOptions(check.manifest, triggerTypes)
  const whole = withSchemas(optioned.manifest, baseDirectory, new Map())
  const simulated = withSimRules(whole.manifest, baseDirectory, new Map())
  const problems = [...policyProblems(check.manifest), ...optioned.problems, ...whole.problems, ...simulated.problems]
  if (problems.length > 0) throw manifestError(problems.map((problem) => inCamelCase(problem, spec.name)))
  const manifest = effectiveManifest(simulated.manifest, baseDirectory)
  const twins = twinProblems(manifest.triggers)
  if (twins.length > 0) throw manifestError(twins.map((problem) => inCamelCase(problem, spec.name)))
  return manifest
}

const sections = ['mailbox', 'delivery', 'budget', 'journal', 'context', 'network', 'approval', 'memory', 'permissions']

type Raw = Record<string, unknown>

const entrypointPath = (entrypoint: unknown): unknown => {
  const isUrl = entrypoint instanceof URL || (typeof entrypoint === 'string' && entrypoint.startsWith('file:'))
  return isUrl ? fileURLToPath(entrypoint) : entrypoint
}

/** Only fields are renamed, one level at a time: labels, state and mount names belong to their author. */
function renameKeys(value: unknown, rename: (key: string) => string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [rename(key), inner]))
}

/** The same below names that are their author's. */
const renameEach = (value: unknown): unknown =>
  typeof value !== 'object' || value === null
    ? value
    : Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, renameKeys(inner, snakeCase)]))

const withoutUndefined = (value: Raw): Raw =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined))

const snakeCase = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const camelCase = (key: string): string => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

function inCamelCase(problem: ManifestProblem, name: unknown): PlacedProblem {
  // Values such as on_failure keep their spelling: only problems about fields speak in field names.
  const words = problem.code === 'INVALID_CONFIG' ? (text: string) => text : camelCase
  return {
    code: problem.code,
    file: typeof name === 'string' ? name : 'spec',
    path: problem.path.map((key) => camelCase(String(key))).join('.'),
    message: words(problem.message),
    ...(problem.hint === undefined ? {} : { hint: words(problem.hint) }),
  }
}
