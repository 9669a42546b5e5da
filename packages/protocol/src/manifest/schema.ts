import { z } from 'zod'
import { limits } from '../limits.ts'
import { allowedHost } from './allowed-host.ts'
import { budgetSchema, timezone } from './budget.ts'
import {
  age,
  atLeast,
  duration,
  durationOf,
  flag,
  name,
  oneOf,
  rate,
  secretReference,
  secretWords,
  section,
  text,
  variableOrDefault,
} from './fields.ts'
import { notifySchema } from './notify.ts'
import { serverName, serverSchema } from './server.ts'
import { simSchema } from './sim.ts'

/**
 * The one schema of a manifest, in the snake_case of the file and in canonical spelling only
 * (see spelling.ts). Here stand all defaults, minima and closed sets of words. The message of every
 * check says what was expected, as a noun: problems.ts makes "expected X, found Y" of it.
 */
/** What every kind of trigger may have. */
const common = {
  enabled: z.boolean({ error: 'true or false' }).optional(),
  filter: text("a filter such as payload.severity == 'high'").optional(),
  rate_limit: rate().optional(),
  batch: z.strictObject({ max: atLeast(1, 50), within: duration('10s', 1) }, section).optional(),
  concurrency_key: text('a path such as payload.customer').optional(),
}
/** For kinds that tell single happenings; a file has stood still before it is told. */
const settling = {
  debounce: durationOf(1).optional(),
  key: text('a path such as payload.customer').optional(),
}

const cronTrigger = z.strictObject({
  ...common,
  type: z.literal('cron'),
  cron_expression: text('a cron pattern such as "*/5 * * * *"'),
  timezone: timezone().default('UTC'),
  catch_up: oneOf(['none', 'latest', 'all']).optional(),
  overlap: oneOf(['skip', 'buffer_one', 'buffer_all', 'cancel_other', 'terminate_other', 'allow_all']).optional(),
  jitter: durationOf(0).optional(),
})

const fileTrigger = z.strictObject({
  ...common,
  type: z.literal('file_watch'),
  watch_path: text('a folder or a glob such as ./inbox/*.csv'),
  watch_patterns: z
    .array(text('a glob such as "*.csv"'), { error: 'a list of globs such as ["*.csv"]' })
    .min(1, { error: 'at least one glob' })
    .default(['*']),
  events: z
    .array(oneOf(['created', 'modified', 'deleted']), { error: 'a list of created, modified, deleted' })
    .min(1, { error: 'at least one of created, modified, deleted' })
    .default(['created', 'modified']),
  recursive: flag(false),
  debounce: duration('500ms'),
  existing: oneOf(['ignore', 'deliver']).default('ignore'),
})

const eventTrigger = z.strictObject({
  ...common,
  ...settling,
  type: z.literal('event'),
  event_type: text('a topic or a pattern such as "pipeline.*"'),
  source: text('the name of a publisher').optional(),
})

const jsonSchema = 'a JSON Schema, or the path of one'
const messageTrigger = z.strictObject({
  ...common,
  ...settling,
  type: z.literal('message'),
  from: text('the name of a process').optional(),
  topic: text('a topic').optional(),
  schema: z.union([text(jsonSchema), z.record(z.string(), z.unknown())], { error: jsonSchema }).optional(),
})

const hookPath = 'a path such as /alert: letters, digits and . _ ~ - between slashes'
const source = 'an address or a network such as 203.0.113.0/24'
const header = 'the name of a header'
const webhookTrigger = z.strictObject({
  ...common,
  ...settling,
  type: z.literal('webhook'),
  webhook_path: z
    .string({ error: hookPath })
    .max(200, { error: hookPath })
    .regex(/^(\/[A-Za-z0-9._~-]+)+$/, { error: hookPath }),
  verify_hmac: z.boolean({ error: 'true or false' }).optional(),
  scheme: oneOf(['standard', 'github', 'stripe', 'slack', 'generic']).optional(),
  signature_header: z
    .string({ error: header })
    .regex(/^[A-Za-z0-9-]{1,100}$/, { error: header })
    .optional(),
  signature_prefix: z.string({ error: 'a text such as sha256=' }).max(100, { error: 'a short text' }).optional(),
  signature_encoding: oneOf(['hex', 'base64']).optional(),
  secret: z
    .array(secretReference)
    .min(1, { error: secretWords })
    .max(2, { error: 'two secrets at most: the new one and the old one' })
    .optional(),
  auth: oneOf(['bearer', 'none']).optional(),
  allowed_sources: z
    .array(text(source), { error: `a list: ${source}` })
    .min(1, { error: source })
    .optional(),
})

/** Of a type that a program has registered; its own schema looks at the options. */
const customTrigger = z.strictObject({
  ...common,
  ...settling,
  type: z.literal('custom'),
  kind: text('the name of a registered type'),
  options: z.record(z.string(), z.unknown(), { error: 'a map of options' }).default({}),
})

export const triggerSchema = z.discriminatedUnion(
  'type',
  [cronTrigger, webhookTrigger, fileTrigger, eventTrigger, messageTrigger, customTrigger],
  {
    error:
      'a trigger: cron, webhook, file, event or message (long form: type: cron | webhook | file_watch | event | message)',
  },
)

const delivery = z.strictObject(
  { max_retries: atLeast(0, 2), retry_backoff: duration('2s'), retry_backoff_max: duration('60s') },
  section,
)

const context = z.strictObject(
  {
    initial_state: z.record(z.string(), z.unknown(), { error: 'a map of state keys' }).default({}),
    writable_keys: z.array(text('a state key'), { error: 'a list of state keys' }).default([]),
    env: z.array(text('the name of a variable'), { error: 'a list of variable names' }).default([]),
    conversation_max_messages: atLeast(2, 100),
    conversation_max_tokens: atLeast(500, 32_000),
  },
  section,
)

const file = z.strictObject(
  { path: text('a path'), mode: oneOf(['ro', 'rw']).default('ro') },
  { error: 'a path, or { path, mode }' },
)

/** A `*` would be a pattern to node, and open more than the path that is written. */
const paths = (words: string) =>
  z
    .array(
      text(words).refine((path) => !path.includes('*'), { error: `${words}, without *` }),
      { error: 'a list of paths' },
    )
    .default([])

const dollars = 'US dollars, 0 or more'
const whichCalls = 'true, or a filter over the input such as input.amount > 100'
const calls = 'a whole number, 0 or more'
/** `true` and `false` are short forms of `allowed`. */
export const toolSchema = z.strictObject(
  {
    allowed: flag(true),
    needs_approval: z.union([z.boolean(), text(whichCalls)], { error: whichCalls }).optional(),
    irreversible: flag(false),
    cost: z.number({ error: dollars }).min(0, { error: dollars }).optional(),
    timeout: durationOf(1).optional(),
    max_per_turn: z.int({ error: calls }).min(0, { error: calls }).optional(),
  },
  { error: 'true, false (not allowed), or a section of fields' },
)

/** Rights that reach past the gate; whoever has any sits in a cell of its own. */
const permissions = z.strictObject(
  {
    raw_network: flag(false),
    fs_read: paths('a path that may be read'),
    fs_write: paths('a path that may be written'),
    child_process: flag(false),
    addons: flag(false),
  },
  section,
)

const hostWords = 'a host such as api.example.com, or host:port, without scheme, path or wildcard'
const host = z.string({ error: hostWords }).refine((entry) => allowedHost(entry) !== undefined, { error: hostWords })

const toolGlob = z
  .string()
  .regex(/^[A-Za-z0-9_*?-]{1,128}$/, { error: 'the name of a tool, or a glob such as "send_*"' })

/** What holds for all that its turns ask people for. */
const approval = z.strictObject(
  {
    tools: z.array(toolGlob, { error: 'a list of names of tools, or globs' }).default([]),
    timeout: duration('1h', 1),
    on_timeout: oneOf(['deny', 'approve', 'escalate']).default('deny'),
    approvers: z.array(text('the name of a token'), { error: 'a list of names of tokens' }).default([]),
    notify: notifySchema.optional(),
  },
  section,
)

const modelPattern = /^[a-z][a-z0-9_-]*[:/]\S+$/
const embeddingHelp = 'a model for vectors such as openai:text-embedding-3-small'
const score = 'a score, 0 or more'
/** What it remembers beside its state; present: on. */
const memory = z.strictObject(
  {
    enabled: flag(true),
    max: z
      .int({ error: `a whole number from 1 to ${limits.memoryResults}` })
      .min(1, { error: 'at least 1' })
      .max(limits.memoryResults, { error: `at most ${limits.memoryResults}` })
      .default(5),
    min_score: z.number({ error: score }).min(0, { error: score }).default(0),
    share: name.optional(),
    auto_store: flag(false),
    embeddings: z
      .string({ error: embeddingHelp })
      .regex(modelPattern, { error: embeddingHelp })
      .max(256, { error: embeddingHelp })
      .optional(),
  },
  section,
)

const sourceWords = 'a reference such as ${API_KEY} or ${API_KEY:-}, or { file: /path }'
/** Where a secret of the agent lies, to which hosts it may be sent, for how long, and whether code may hold its bytes. */
const secretSource = z
  .strictObject(
    {
      value: variableOrDefault(sourceWords).optional(),
      file: text('the path of a file that holds the secret').optional(),
      hosts: z.array(host, { error: 'a list of hosts' }).min(1, { error: 'at least one host' }).optional(),
      ttl: durationOf(1).optional(),
      lease: flag(false),
    },
    { error: `${sourceWords}, alone or with hosts, ttl, lease` },
  )
  .refine(({ value, file }) => (value === undefined) !== (file === undefined), { error: `one of ${sourceWords}` })

const moduleHelp = 'a path to a module'
const modelHelp = 'a model such as openai:gpt-5-mini'
const instructionsHelp = 'a text of at most 100,000 characters'

export const manifestSchema = z.strictObject(
  {
    version: z.union([z.literal('1.0'), z.literal(1)], { error: '"1.0"' }).optional(),
    name,
    labels: z.record(z.string(), z.string({ error: 'a text' }), { error: 'a map of texts' }).default({}),
    model: z
      .string({ error: modelHelp })
      .regex(modelPattern, { error: modelHelp })
      .max(256, { error: modelHelp })
      .optional(),
    sim: simSchema.optional(),
    max_output_tokens: atLeast(1, 4_096),
    instructions: z.string({ error: instructionsHelp }).max(100_000, { error: instructionsHelp }).default(''),
    entrypoint: text(moduleHelp).optional(),
    triggers: z.array(triggerSchema, { error: 'a list of triggers' }).default([]),
    isolation: oneOf(['auto', 'process', 'thread']).default('auto'),
    trust_group: name.default('default'),
    degrade: flag(false),
    memory_mb: atLeast(32, 256),
    max_turn: duration('10m', 1),
    heartbeat_timeout: duration('30s', 100),
    hibernate_after: duration('60s'),
    evictable: flag(false),
    concurrency: atLeast(1, 1),
    mailbox: z.strictObject({ max: atLeast(1, 10_000) }, section).prefault({}),
    restart_policy: oneOf(['always', 'on_failure', 'never']).default('on_failure'),
    max_restarts: atLeast(0, 3),
    restart_window: duration('60s', 1),
    restart_backoff: duration('1s'),
    stable_after: duration('60s'),
    max_restarts_without_progress: atLeast(1, 10),
    shutdown_timeout: duration('10s'),
    max_consecutive_failures: atLeast(1, 3),
    delivery: delivery.prefault({}),
    budget: budgetSchema.prefault({}),
    journal: z
      .strictObject({ bodies: oneOf(['keep', 'hash']).default('keep'), bodies_retention: age('30d') }, section)
      .prefault({}),
    context: context.prefault({}),
    files: z.record(name, file, { error: 'a map of mount names to paths' }).default({}),
    tools: z.record(toolGlob, toolSchema, { error: 'a map of tools to policies' }).default({}),
    secrets: z.record(name, secretSource, { error: 'a map of secret names to references' }).default({}),
    servers: z.record(serverName, serverSchema, { error: 'a map of names to servers' }).default({}),
    network: z.strictObject({ allow: z.array(host, { error: 'a list of hosts' }).default([]) }, section).prefault({}),
    permissions: permissions.prefault({}),
    approval: approval.optional(),
    memory: memory.optional(),
  },
  { error: 'a manifest: a map of fields' },
)

/** A checked manifest in canonical snake_case, every default filled in, durations in milliseconds. */
export type ManifestDocument = z.output<typeof manifestSchema>
export type TriggerDocument = z.output<typeof triggerSchema>
