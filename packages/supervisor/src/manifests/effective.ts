import { resolve } from 'node:path'
import type { ManifestDocument, TriggerDocument } from '@vigil/protocol'
import { agentBudget } from '../ledger/agent-budget.ts'
import type { Manifest, ToolPolicy, Trigger, TriggerOptions, WebhookVerification } from './manifest.ts'
import { noticeTarget } from './notice-target.ts'
import { effectiveServers } from './servers.ts'

/**
 * The one place where the snake_case of the file becomes the camelCase of the program, and where relative
 * paths get the manifest's own folder to stand on.
 */
export function effectiveManifest(document: ManifestDocument, baseDirectory: string): Manifest {
  return {
    name: document.name,
    labels: document.labels,
    ...(document.entrypoint === undefined ? {} : { entrypoint: resolve(baseDirectory, document.entrypoint) }),
    ...effectiveThinking(document),
    triggers: document.triggers.map((trigger) => effectiveTrigger(trigger, baseDirectory)),
    isolation: document.isolation,
    trustGroup: document.trust_group,
    degrade: document.degrade,
    memoryMb: document.memory_mb,
    maxTurnMs: document.max_turn,
    heartbeatTimeoutMs: document.heartbeat_timeout,
    hibernateAfterMs: document.hibernate_after,
    // What stands on record is all that it has: whoever replays a model without code loses nothing.
    evictable: document.evictable || document.entrypoint === undefined,
    concurrency: document.concurrency,
    mailbox: document.mailbox,
    restartPolicy: document.restart_policy,
    maxRestarts: document.max_restarts,
    restartWindowMs: document.restart_window,
    restartBackoffMs: document.restart_backoff,
    stableAfterMs: document.stable_after,
    maxRestartsWithoutProgress: document.max_restarts_without_progress,
    shutdownTimeoutMs: document.shutdown_timeout,
    maxConsecutiveFailures: document.max_consecutive_failures,
    delivery: {
      maxRetries: document.delivery.max_retries,
      retryBackoffMs: document.delivery.retry_backoff,
      retryBackoffMaxMs: document.delivery.retry_backoff_max,
    },
    budget: agentBudget(document.budget, baseDirectory),
    journal: {
      bodies: document.journal.bodies,
      bodiesRetentionMs: document.journal.bodies_retention,
    },
    context: {
      initialState: document.context.initial_state,
      writableKeys: document.context.writable_keys,
      env: document.context.env,
    },
    files: Object.fromEntries(
      Object.entries(document.files).map(([mount, { path, mode }]) => [
        mount,
        { path: resolve(baseDirectory, path), mode },
      ]),
    ),
    tools: Object.fromEntries(Object.entries(document.tools).map(([glob, policy]) => [glob, toolPolicy(policy)])),
    ...(Object.keys(document.secrets).length === 0
      ? {}
      : { secrets: effectiveSecrets(document.secrets, baseDirectory) }),
    ...(Object.keys(document.servers).length === 0
      ? {}
      : { servers: effectiveServers(document.servers, baseDirectory) }),
    network: document.network,
    ...(document.approval === undefined ? {} : { approval: effectiveApproval(document.approval, baseDirectory) }),
    ...(document.memory?.enabled === true ? { memory: effectiveMemory(document.memory) } : {}),
    permissions: {
      rawNetwork: document.permissions.raw_network,
      fsRead: document.permissions.fs_read.map((path) => resolve(baseDirectory, path)),
      fsWrite: document.permissions.fs_write.map((path) => resolve(baseDirectory, path)),
      childProcess: document.permissions.child_process,
      addons: document.permissions.addons,
    },
  }
}

function effectiveThinking(document: ManifestDocument): Pick<Manifest, 'thinking'> {
  const { model, instructions, max_output_tokens, sim } = document
  const { conversation_max_messages: messages, conversation_max_tokens: tokens } = document.context
  if (model === undefined) return {}
  const canonical = canonicalModel(model)
  // A path has given way to what stands there when the manifest was read.
  const rules = typeof sim === 'object' ? { sim } : {}
  return { thinking: { model: canonical, instructions, max_output_tokens, window: { messages, tokens }, ...rules } }
}
const canonicalModel = (model: string): string => model.replace(/^([a-z0-9_-]+)[:/]/, '$1:')

const effectiveMemory = ({
  max,
  auto_store: autoStore,
  embeddings,
  min_score: minScore,
  share,
}: NonNullable<ManifestDocument['memory']>): NonNullable<Manifest['memory']> => ({
  max,
  minScore,
  ...(share === undefined ? {} : { share }),
  ...(autoStore ? { autoStore } : {}),
  ...(embeddings === undefined ? {} : { embeddings: canonicalModel(embeddings) }),
})

function effectiveApproval(
  { tools, timeout: timeoutMs, on_timeout: onTimeout, approvers, notify }: NonNullable<ManifestDocument['approval']>,
  baseDirectory: string,
): NonNullable<Manifest['approval']> {
  const target = noticeTarget(notify, baseDirectory)
  return {
    ...(tools.length === 0 ? {} : { tools }),
    timeoutMs,
    onTimeout,
    approvers,
    ...(target === undefined ? {} : { notify: target }),
  }
}

function toolPolicy(policy: ManifestDocument['tools'][string]): ToolPolicy {
  const { allowed, needs_approval: approval, irreversible, cost, timeout, max_per_turn } = policy
  return {
    ...(allowed ? {} : { allowed }),
    ...(approval === undefined || approval === false ? {} : { needsApproval: approval }),
    ...(irreversible ? { irreversible } : {}),
    ...(cost === undefined ? {} : { cost }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(max_per_turn === undefined ? {} : { maxPerTurn: max_per_turn }),
  }
}
const effectiveSecrets = (
  secrets: ManifestDocument['secrets'],
  baseDirectory: string,
): NonNullable<Manifest['secrets']> =>
  Object.fromEntries(
    Object.entries(secrets).map(([name, secret]) => {
      const { value = '', file, hosts, ttl, lease } = secret
      const where = file === undefined ? variableOf(value) : { file: resolve(baseDirectory, file) }
      const use = {
        ...(hosts === undefined ? {} : { hosts }),
        ...(ttl === undefined ? {} : { ttlMs: ttl }),
        ...(lease ? { lease } : {}),
      }
      return [name, { ...where, ...use }]
    }),
  )

function variableOf(reference: string): { readonly variable: string; readonly fallback?: string } {
  const [variable = '', ...rest] = reference.slice(2, -1).split(':-')
  return rest.length === 0 ? { variable } : { variable, fallback: rest.join(':-') }
}

function effectiveTrigger(trigger: TriggerDocument, baseDirectory: string): Trigger {
  const options = triggerOptions(trigger)
  switch (trigger.type) {
    case 'cron':
      return {
        type: 'cron',
        cronExpression: trigger.cron_expression,
        timezone: trigger.timezone,
        ...(trigger.catch_up === undefined ? {} : { catchUp: trigger.catch_up }),
        ...(trigger.overlap === undefined ? {} : { overlap: trigger.overlap }),
        ...(trigger.jitter === undefined ? {} : { jitterMs: trigger.jitter }),
        ...options,
      }
    case 'file_watch':
      return {
        type: 'file_watch',
        ...options,
        watchPath: resolve(baseDirectory, trigger.watch_path),
        watchPatterns: trigger.watch_patterns,
        events: trigger.events,
        recursive: trigger.recursive,
        debounceMs: trigger.debounce,
        existing: trigger.existing,
      }
    case 'webhook':
      return {
        type: 'webhook',
        ...options,
        webhookPath: trigger.webhook_path,
        ...(trigger.verify_hmac === true ? { verification: verificationOf(trigger, baseDirectory) } : {}),
        ...(trigger.auth === undefined ? {} : { auth: trigger.auth }),
        ...(trigger.allowed_sources === undefined ? {} : { allowedSources: trigger.allowed_sources }),
      }
    case 'custom':
      return { type: 'custom', ...options, kind: trigger.kind, options: trigger.options }
    case 'event':
      return {
        type: 'event',
        ...options,
        eventType: trigger.event_type,
        ...(trigger.source === undefined ? {} : { source: trigger.source }),
      }
    case 'message':
      return {
        type: 'message',
        ...options,
        ...(trigger.from === undefined ? {} : { from: trigger.from }),
        ...(trigger.topic === undefined ? {} : { topic: trigger.topic }),
        // A path has given way to what stands there when the manifest was read.
        ...(typeof trigger.schema === 'object' ? { schema: trigger.schema } : {}),
      }
  }
}

type WebhookDocument = Extract<TriggerDocument, { type: 'webhook' }>

function verificationOf(trigger: WebhookDocument, baseDirectory: string): WebhookVerification {
  const { scheme = 'generic', secret = [], signature_header: header = 'X-Webhook-Signature' } = trigger
  const { signature_prefix: prefix = 'sha256=', signature_encoding: encoding = 'hex' } = trigger
  const secrets = secret.map((each) =>
    typeof each === 'string' ? { variable: each.slice(2, -1) } : { file: resolve(baseDirectory, each.file) },
  )
  return scheme === 'generic'
    ? { scheme, secrets, header: header.toLowerCase(), prefix, encoding }
    : { scheme, secrets }
}

function triggerOptions(trigger: TriggerDocument): TriggerOptions {
  const { rate_limit: rate, batch } = trigger
  const settling = trigger.type === 'cron' || trigger.type === 'file_watch' ? undefined : trigger
  return {
    ...(trigger.enabled === false ? { enabled: false } : {}),
    ...(trigger.filter === undefined ? {} : { filter: trigger.filter }),
    ...(rate === undefined ? {} : { rateLimit: { count: rate.count, perMs: rate.per_ms } }),
    ...(batch === undefined ? {} : { batch: { max: batch.max, withinMs: batch.within } }),
    ...(settling?.debounce === undefined ? {} : { debounceMs: settling.debounce }),
    ...(settling?.key === undefined ? {} : { key: settling.key }),
    ...(trigger.concurrency_key === undefined ? {} : { concurrencyKey: trigger.concurrency_key }),
  }
}
