import { describe, expect, it } from 'vitest'
import { checkManifest, type ManifestProblem } from './problems.ts'
import type { ManifestDocument } from './schema.ts'

const least = { name: 'watcher', entrypoint: './watcher.ts' }

const accept = (fields: Record<string, unknown>): ManifestDocument => {
  const check = checkManifest({ ...least, ...fields })
  if (!check.ok) throw new Error(check.problems.map((problem) => problem.message).join('\n'))
  return check.manifest
}

const refuse = (raw: unknown): readonly ManifestProblem[] => {
  const check = checkManifest(raw)
  if (check.ok) throw new Error('expected a refusal, the manifest was accepted')
  return check.problems
}

const conversation = { conversation_max_messages: 100, conversation_max_tokens: 32_000 }

describe('defaults', () => {
  it('fills every field of the least manifest', () => {
    expect(accept({})).toEqual({
      ...least,
      labels: {},
      max_output_tokens: 4_096,
      instructions: '',
      triggers: [],
      isolation: 'auto',
      trust_group: 'default',
      degrade: false,
      memory_mb: 256,
      max_turn: 600_000,
      heartbeat_timeout: 30_000,
      hibernate_after: 60_000,
      evictable: false,
      concurrency: 1,
      journal: { bodies: 'keep', bodies_retention: 30 * 86_400_000 },
      mailbox: { max: 10_000 },
      restart_policy: 'on_failure',
      max_restarts: 3,
      restart_window: 60_000,
      restart_backoff: 1_000,
      stable_after: 60_000,
      max_restarts_without_progress: 10,
      shutdown_timeout: 10_000,
      max_consecutive_failures: 3,
      delivery: { max_retries: 2, retry_backoff: 2_000, retry_backoff_max: 60_000 },
      budget: { tool_costs: {}, on_exceeded: 'pause', warning_threshold: 0.8, reset_hour: 0, timezone: 'UTC' },
      context: { initial_state: {}, writable_keys: [], env: [], ...conversation },
      files: {},
      tools: {},
      secrets: {},
      servers: {},
      network: { allow: [] },
      permissions: { raw_network: false, fs_read: [], fs_write: [], child_process: false, addons: false },
    })
  })
})

describe('accepted values', () => {
  it.each([
    ['version', '1.0', '1.0'],
    ['labels', { team: 'data' }, { team: 'data' }],
    ['isolation', 'process', 'process'],
    ['isolation', 'thread', 'thread'],
    ['trust_group', 'ours', 'ours'],
    ['degrade', true, true],
    ['hibernate_after', 0, 0],
    ['evictable', true, true],
    [
      'permissions',
      { fs_read: ['/srv'], child_process: true },
      { raw_network: false, fs_read: ['/srv'], fs_write: [], child_process: true, addons: false },
    ],
    ['memory_mb', 32, 32],
    ['max_turn', '4h', 14_400_000],
    ['max_turn', 90, 90_000],
    ['heartbeat_timeout', '250ms', 250],
    ['concurrency', 4, 4],
    ['mailbox', { max: 5 }, { max: 5 }],
    ['restart_policy', 'always', 'always'],
    ['restart_policy', 'permanent', 'always'],
    ['restart_policy', 'transient', 'on_failure'],
    ['restart_policy', 'temporary', 'never'],
    ['max_restarts', 0, 0],
    ['restart_window', '1d', 86_400_000],
    ['restart_backoff', 0, 0],
    [
      'context',
      { writable_keys: ['seen'], env: ['TZ'], conversation_max_messages: 4 },
      { ...conversation, initial_state: {}, writable_keys: ['seen'], env: ['TZ'], conversation_max_messages: 4 },
    ],
    [
      'files',
      { in: './in', out: { path: './out', mode: 'rw' } },
      { in: { path: './in', mode: 'ro' }, out: { path: './out', mode: 'rw' } },
    ],
    [
      'secrets',
      {
        a: '$' + '{A:-test}',
        b: { value: '$' + '{B}', hosts: ['b.test:1'] },
        c: { file: './c', ttl: '1h', lease: true },
      },
      {
        a: { value: '$' + '{A:-test}', lease: false },
        b: { value: '$' + '{B}', hosts: ['b.test:1'], lease: false },
        c: { file: './c', ttl: 3_600_000, lease: true },
      },
    ],
    [
      'network',
      { allow: ['api.github.com', 'db.local:5000', '127.0.0.1:9999', '[::1]:80'] },
      { allow: ['api.github.com', 'db.local:5000', '127.0.0.1:9999', '[::1]:80'] },
    ],
  ])('%s: %j', (field, given, effective) => {
    expect(accept({ [field]: given })[field as keyof ManifestDocument]).toEqual(effective)
  })

  it.each([
    ['a value that is written down', 'sk_live_1', ['secrets', 'key']],
    ['a reference and more', '$' + '{KEY:-}sk_live_1', ['secrets', 'key']],
    ['what is gone at once', { file: './key', ttl: 0 }, ['secrets', 'key', 'ttl']],
    ['lent now and then', { file: './key', lease: 'sometimes' }, ['secrets', 'key', 'lease']],
    ['a field that nobody knows', { file: './key', rotate: true }, ['secrets', 'key', 'rotate']],
    ['two places', { value: '$' + '{KEY}', file: './key' }, ['secrets', 'key']],
    ['no place', { hosts: ['api.example.com'] }, ['secrets', 'key']],
    ['a host that is none', { file: './key', hosts: ['https://api.example.com'] }, ['secrets', 'key', 'hosts', 0]],
    ['no host at all', { file: './key', hosts: [] }, ['secrets', 'key', 'hosts']],
  ])('secrets are references, not %s', (_name, key, path) => {
    const check = checkManifest({ name: 'a', entrypoint: './a.ts', secrets: { key } })
    expect(check).toMatchObject({ ok: false, problems: [{ path: expect.arrayContaining(path) }] })
    expect(JSON.stringify(check)).not.toContain('sk_live')
  })

  it.each([
    '',
    'https://api.github.com',
    'api.github.com/path',
    '*.github.com',
    'user@api.github.com',
    '::1',
    'api.github.com:0',
    'api.github.com:65536',
    'api.github.com:https',
    'two words',
    '10.0.0.0/8',
  ])('network.allow has hosts and nothing else, not %j', (entry) => {
    const check = checkManifest({ name: 'a', entrypoint: './a.ts', network: { allow: ['b.test', entry] } })
    expect(check).toMatchObject({
      ok: false,
      problems: [{ path: ['network', 'allow', 1], message: expect.stringContaining('a host such as') }],
    })
  })

  it('takes aliases of fields', () => {
    const manifest = accept({
      max_invocation_time: '1m',
      trigger_delivery: { max_retries: 9 },
      context: { world: { a: 1 } },
    })
    expect([manifest.max_turn, manifest.delivery.max_retries, manifest.context.initial_state]).toEqual([
      60_000,
      9,
      { a: 1 },
    ])
  })
})

describe('triggers', () => {
  const file = { events: ['created', 'modified'], recursive: false, debounce: 500, existing: 'ignore' }
  it.each([
    ['cron', { cron: '0 * * * *' }, { type: 'cron', cron_expression: '0 * * * *', timezone: 'UTC' }],
    [
      'cron, with its policies',
      { cron: '0 * * * *', catch_up: 'all', overlap: 'buffer_one', jitter: '30s' },
      {
        type: 'cron',
        cron_expression: '0 * * * *',
        timezone: 'UTC',
        catch_up: 'all',
        overlap: 'buffer_one',
        jitter: 30_000,
      },
    ],
    [
      'cron, long',
      { type: 'cron', cron_expression: '0 * * * *', cron_timezone: 'Europe/Berlin' },
      { type: 'cron', cron_expression: '0 * * * *', timezone: 'Europe/Berlin' },
    ],
    [
      'file',
      { file: './inbox/*.csv' },
      { type: 'file_watch', watch_path: './inbox', watch_patterns: ['*.csv'], ...file },
    ],
    [
      'file_watch',
      { file_watch: '/data', watch_events: ['deleted'] },
      { type: 'file_watch', watch_path: '/data', watch_patterns: ['*'], ...file, events: ['deleted'] },
    ],
    [
      'file, deep',
      { file: '/data/**/*.csv' },
      { type: 'file_watch', watch_path: '/data', watch_patterns: ['**/*.csv'], ...file, recursive: true },
    ],
    [
      'file, long',
      { type: 'file_watch', watch_path: './in', watch_patterns: ['a', 'b'], debounce: '1s', existing: 'deliver' },
      {
        type: 'file_watch',
        watch_path: './in',
        watch_patterns: ['a', 'b'],
        ...file,
        debounce: 1_000,
        existing: 'deliver',
      },
    ],
    [
      'file, long with a wildcard',
      { type: 'file_watch', watch_path: './in/*.txt' },
      { type: 'file_watch', watch_path: './in', watch_patterns: ['*.txt'], ...file },
    ],
    ['event', { event: 'orders.*', source: 'shop' }, { type: 'event', event_type: 'orders.*', source: 'shop' }],
    ['event, long', { type: 'event', event_type: 'orders.*' }, { type: 'event', event_type: 'orders.*' }],
    ['message', { message: 'boss', topic: 'work' }, { type: 'message', from: 'boss', topic: 'work' }],
    ['message, long', { type: 'message', from_agent: 'boss' }, { type: 'message', from: 'boss' }],
    [
      'filter, older name',
      { message: 'boss', filter_expression: 'payload.a' },
      { type: 'message', from: 'boss', filter: 'payload.a' },
    ],
    ['message, anyone', { type: 'message' }, { type: 'message' }],
  ])('%s', (_, given, effective) => {
    expect(accept({ triggers: [given] }).triggers).toEqual([effective])
  })
})

describe('refused', () => {
  it.each<[Record<string, unknown>, string, string, string | undefined]>([
    [{ memory_mb: 16 }, 'memory_mb', 'expected a whole number, 32 or more, found the number 16', undefined],
    [{ memory_mb: '512MB' }, 'memory_mb', 'expected a whole number, 32 or more, found "512MB"', undefined],
    [
      { name: '9lives' },
      'name',
      'expected a name: a letter, then up to 63 letters, digits, _ or -, found "9lives"',
      undefined,
    ],
    [{ max_turn: 'soon' }, 'max_turn', 'expected a duration such as 30s, 1 ms or more, found "soon"', undefined],
    [
      { max_invocation_time: '10x' },
      'max_invocation_time',
      'expected a duration such as 30s, 1 ms or more, found "10x"',
      undefined,
    ],
    [
      { restart_policy: 'on_failur' },
      'restart_policy',
      'expected one of always, on_failure, never, found "on_failur"',
      'did you mean on_failure?',
    ],
    [{ memory: 5 }, 'memory', 'expected a section of fields, found the number 5', undefined],
    [{ max_restart: 5 }, 'max_restart', 'expected a known field, found max_restart', 'did you mean max_restarts?'],
    [
      { delivery: { retries: 1 } },
      'delivery.retries',
      'expected a known field, found retries',
      'known here: max_retries, retry_backoff, retry_backoff_max',
    ],
    [
      { triggers: [{ cron: '* * * * *', timezon: 'UTC' }] },
      'triggers.0.timezon',
      'expected a known field, found timezon',
      'did you mean timezone?',
    ],
    [
      { triggers: [{ cron: 5 }] },
      'triggers.0.cron',
      'expected a cron pattern such as "*/5 * * * *", found the number 5',
      undefined,
    ],
    [
      { triggers: [{ cron: '* * * * *', timezone: 'Mars/Base' }] },
      'triggers.0.timezone',
      'expected an IANA time zone such as Europe/Berlin, found "Mars/Base"',
      undefined,
    ],
    [
      { triggers: [{ cron: '* * * * *', event: 'x' }] },
      'triggers.0.event',
      'expected one kind of trigger per entry, found cron and event',
      undefined,
    ],
    [
      { files: { 'a b': './x' } },
      'files.a b',
      'expected a name: a letter, then up to 63 letters, digits, _ or -, found "a b"',
      undefined,
    ],
    [
      { files: { out: { path: './x', mode: 'w' } } },
      'files.out.mode',
      'expected one of ro, rw, found "w"',
      'did you mean rw?',
    ],
    [
      { files: { out: { path: './x', rights: 'rw' } } },
      'files.out.rights',
      'expected a known field, found rights',
      'known here: path, mode',
    ],
    [{ files: { out: { mode: 'rw' } } }, 'files.out.path', 'expected path: a path, found nothing', undefined],
    [{ files: ['./x'] }, 'files', 'expected a map of mount names to paths, found a list', undefined],
    [
      { permissions: { net: true } },
      'permissions.net',
      'expected a known field, found net',
      'known here: raw_network, fs_read, fs_write, child_process, addons',
    ],
    [
      { permissions: { raw_network: 'yes' } },
      'permissions.raw_network',
      'expected true or false, found "yes"',
      undefined,
    ],
    [{ permissions: { fs_read: './x' } }, 'permissions.fs_read', 'expected a list of paths, found "./x"', undefined],
    [
      { permissions: { fs_write: ['./x', './y*'] } },
      'permissions.fs_write.1',
      'expected a path that may be written, without *, found "./y*"',
      undefined,
    ],
    [
      { max_turn: 5, max_invocation_time: 6 },
      'max_invocation_time',
      'expected max_turn once, found it also under its other name, max_invocation_time',
      undefined,
    ],
  ])('%j', (fields, path, message, hint) => {
    const [problem, ...more] = refuse({ ...least, ...fields })
    expect(more).toEqual([])
    expect([problem?.path.join('.'), problem?.message]).toEqual([path, message])
    if (hint !== undefined) expect(problem?.hint).toBe(hint)
  })

  it('says all problems at once, with the code of each', () => {
    const problems = refuse({ nme: 'x', memory_mb: 1 })
    expect(problems.map(({ code, path }) => `${code} ${path.join('.')}`).sort()).toEqual([
      'INVALID_CONFIG memory_mb',
      'MISSING_FIELD entrypoint',
      'MISSING_FIELD name',
      'UNKNOWN_FIELD nme',
    ])
    expect(problems.find((problem) => problem.path[0] === 'entrypoint')?.message).toContain(
      'or model: what thinks without one, found neither',
    )
  })

  it('a trigger that is none', () => {
    expect(refuse({ ...least, triggers: [{ evnt: 'x' }] })[0]).toMatchObject({
      path: ['triggers', 0],
      hint: 'did you mean event?',
    })
    expect(refuse({ ...least, triggers: [{ type: 'fax' }] })[0]).toMatchObject({ path: ['triggers', 0, 'type'] })
  })

  it.each([null, 'text', []])('a document that is no map: %j', (raw) => {
    expect(refuse(raw)[0]?.message).toContain('expected a manifest: a map of fields')
  })
})

describe('fields that are wrong together', () => {
  const trigger = (fields: object) => ({ ...least, triggers: [{ event: 'a', ...fields }] })
  it.each([
    ...[{ raw_network: true }, { fs_read: ['/'] }, { fs_write: ['/'] }, { child_process: true }, { addons: true }].map(
      (permissions): [object, string[], string] => [
        { ...least, isolation: 'thread', permissions },
        ['isolation'],
        `beside permissions.${Object.keys(permissions)[0]}`,
      ],
    ),
    [
      { name: 'a', model: 'sim:echo', permissions: { fs_read: ['/srv'] } },
      ['permissions', 'fs_read'],
      'expected an entrypoint beside it',
    ],
    [
      { name: 'a', model: 'sim:echo', secrets: { key: { value: '${KEY}', lease: true } } },
      ['secrets', 'key', 'lease'],
      'expected an entrypoint beside it',
    ],
    [trigger({ batch: {}, debounce: '1s' }), ['triggers', 0, 'batch'], 'expected batch or debounce'],
    [trigger({ key: 'payload.a' }), ['triggers', 0, 'key'], 'expected debounce beside key'],
  ])('are refused with their place %#', (raw, path, message) => {
    expect(refuse(raw)).toMatchObject([{ path, message: expect.stringContaining(message) }])
  })
})
