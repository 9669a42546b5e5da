import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { defaultCells, defaultJournal, parseConfiguration } from './configuration.ts'
import { problemLine } from './problem-report.ts'

const parse = (text: string) => parseConfiguration(text, { file: 'vigil.yaml', env: { PERIOD: '10s' } })

test('groups get their defaults; durations are milliseconds and may be variables', () => {
  const text = `cells: { size: 4, max_resident: 100 }
journal: { segment_mb: 8, retention_days: 30, retention_mb: 1000 }
groups:
  - name: pipeline
    strategy: rest_for_one
    period: \${PERIOD}
    children: [reader, writer]
  - { name: night, parent: pipeline, auto_shutdown: all_significant }
tokens:
  - { name: ada, hash: ${'a'.repeat(64)}, role: operator, select: { team: data } }
`
  expect(parse(text)).toEqual({
    problems: [],
    warnings: [],
    value: {
      defaults: {},
      tokens: [{ name: 'ada', hash: 'a'.repeat(64), role: 'operator', select: { team: 'data' } }],
      cells: { size: 4, spares: 1, maxResident: 100 },
      journal: { segmentBytes: 8 * 1_048_576, retention: { ageMs: 30 * 86_400_000, bytes: 1_000 * 1_048_576 } },
      groups: [
        {
          name: 'pipeline',
          strategy: 'rest_for_one',
          intensity: 3,
          periodMs: 10_000,
          autoShutdown: 'never',
          children: ['reader', 'writer'],
        },
        {
          name: 'night',
          strategy: 'one_for_one',
          intensity: 3,
          periodMs: 60_000,
          autoShutdown: 'all_significant',
          children: [],
          parent: 'pipeline',
        },
      ],
    },
  })
})

test('the fleet has a purse, in periods alone', () => {
  const purse = (text: string) => parse(`budget: ${text}`)
  expect(purse('{ max_cost_per_day: 20, on_exceeded: stop }').value?.budget).toMatchObject({
    limits: { turn: {}, day: { usd: 20_000_000 } },
    onExceeded: 'stop',
  })
  const problemsOf = (text: string) => purse(text).problems.map(({ path, message }) => [path, message])
  expect(problemsOf('{ max_cost_per_run: 1 }')).toMatchObject([
    ['budget.max_cost_per_invocation', expect.stringMatching(/each agent has/)],
  ])
  expect(problemsOf('{ max_dayly_cost: 1 }')).toEqual([
    ['budget.max_dayly_cost', 'expected a known field, found max_dayly_cost'],
  ])
  expect(problemsOf('much')).toEqual([['budget', 'expected a section of fields, or unlimited, found "much"']])
})

test('who is told is named, and a secret stays a reference', () => {
  const text = 'notify: { webhook_url: "${PERIOD}", secret: { file: ./ops.key } }'
  expect(
    parseConfiguration(text, { file: '/etc/vigil.yaml', env: { PERIOD: 'https://secret' } }).value?.notify,
  ).toEqual({
    url: { variable: 'PERIOD' },
    format: 'standard',
    secret: { file: '/etc/ops.key' },
  })
})

test.each([
  [
    'notify: { webhook_url: https://a.test }',
    'vigil.yaml:1:9: expected a secret, with which notices are signed, found none beside format: standard',
  ],
  [
    'notify: { webhook_url: https://a.test, format: slack, secret: { file: k } }',
    'vigil.yaml:1:63: expected format: standard beside a secret, found slack, which has no signature',
  ],
  [
    'tokens: [{ name: a, hash: secret, role: reader }]',
    'vigil.yaml:1:27: expected the SHA-256 of the token, 64 hexadecimal digits, found "secret"',
  ],
  [
    `tokens: [{ name: a, hash: ${'a'.repeat(64)}, role: writer }]`,
    'vigil.yaml:1:99: expected one of reader, operator, admin, found "writer"',
  ],
  [
    `tokens: [{ name: operator, hash: ${'a'.repeat(64)}, role: admin }]`,
    'vigil.yaml:1:9: expected other names than operator, which is the token of the data directory, found a list',
  ],
  ['grups: []', 'vigil.yaml:1:1: expected a known field, found grups (did you mean groups?)'],
  [
    'groups:\n  - { name: a, strategy: one_for_two }',
    'vigil.yaml:2:26: expected one of one_for_one, one_for_all, rest_for_one, found "one_for_two" (did you mean one_for_one?)',
  ],
  [
    'groups:\n  - { name: a, intensty: 1 }',
    'vigil.yaml:2:16: expected a known field, found intensty (did you mean intensity?)',
  ],
  [
    'groups:\n  - { strategy: one_for_one }',
    'vigil.yaml:2:5: expected name: a name: a letter, then up to 63 letters, digits, _ or -, found nothing',
  ],
  [
    'groups:\n  - { name: a, children: [b] }\n  - { name: c, children: [b] }',
    'vigil.yaml:2:3: groups.c: expected children that stand nowhere else, found "b", which is in "a" too',
  ],
  ['cells: { spare: 1 }', 'vigil.yaml:1:10: expected a known field, found spare (did you mean spares?)'],
  ['cells: { size: 0 }', 'vigil.yaml:1:16: expected a whole number, 1 or more, found the number 0'],
  [
    'journal: { retention_day: 1 }',
    'vigil.yaml:1:12: expected a known field, found retention_day (did you mean retention_days?)',
  ],
  ['journal: { segment_mb: 0 }', 'vigil.yaml:1:24: expected a whole number from 1 to 1024, found the number 0'],
  ['- a', 'vigil.yaml:1:1: expected a configuration: a map of fields, found a list'],
])('%s', (text, line) => {
  expect(parse(text).problems.map(problemLine)).toEqual([line])
})

test('a file of comments configures nothing', () => {
  expect(parse('# nothing yet\n').value).toEqual({
    groups: [],
    cells: defaultCells,
    journal: defaultJournal,
    tokens: [],
    defaults: {},
  })
})

test('takes the place of the key of the vault, beside its file, and nothing else of the vault', () => {
  expect(parse('vault: { key_file: ./keys/vigil }\n').value?.vault).toEqual({ keyFile: resolve('keys/vigil') })
  expect(parse('vault: { key: abc }\n').problems).toMatchObject([{ code: 'UNKNOWN_FIELD', path: 'vault.key' }])
})
