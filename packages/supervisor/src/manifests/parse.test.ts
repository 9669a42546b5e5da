import { VigilError } from '@vigil/protocol'
import { describe, expect, it } from 'vitest'
import { parseManifestText, readManifestText } from './parse.ts'

const parse = (text: string, env: Record<string, string> = {}) =>
  parseManifestText(text, { file: '/fleet/watcher.agent', env })
const head = 'name: watcher\nentrypoint: ./watcher.ts\n'

const refusal = (text: string, env: Record<string, string> = {}): VigilError => {
  try {
    parse(text, env)
  } catch (error) {
    if (error instanceof VigilError) return error
    throw error
  }
  throw new Error('expected a refusal, the manifest was accepted')
}

describe('a good manifest', () => {
  it('stands on its own folder, in camelCase, with durations in milliseconds', () => {
    const text = `${head}triggers:
  - file: ./inbox/*.csv
    existing: deliver
  - cron: "*/5 * * * *"
    timezone: Europe/Berlin
files: { reports: { path: ../reports, mode: rw } }
delivery: { retry_backoff: 1s }
context: { world: { seen_files: 0 } }
`
    expect(parse(text)).toMatchObject({
      entrypoint: '/fleet/watcher.ts',
      triggers: [
        {
          type: 'file_watch',
          watchPath: '/fleet/inbox',
          watchPatterns: ['*.csv'],
          existing: 'deliver',
          debounceMs: 500,
        },
        { type: 'cron', cronExpression: '*/5 * * * *', timezone: 'Europe/Berlin' },
      ],
      files: { reports: { path: '/reports', mode: 'rw' } },
      delivery: { maxRetries: 2, retryBackoffMs: 1_000, retryBackoffMaxMs: 60_000 },
      context: { initialState: { seen_files: 0 } },
      maxTurnMs: 600_000,
    })
  })
})

describe('places', () => {
  it.each([
    [
      'a bad value',
      `${head}memory_mb: 16\n`,
      '/fleet/watcher.agent:3:12: expected a whole number, 32 or more, found the number 16',
    ],
    [
      'an alias',
      `${head}max_invocation_time: x\n`,
      '/fleet/watcher.agent:3:22: expected a duration such as 30s, 1 ms or more, found "x"',
    ],
    [
      'an unknown field',
      `${head}memori_mb: 64\n`,
      '/fleet/watcher.agent:3:1: expected a known field, found memori_mb (did you mean memory_mb?)',
    ],
    [
      'a missing field',
      'name: watcher\n',
      '/fleet/watcher.agent:1:1: expected entrypoint: a path to a module, or model: what thinks without one, found neither',
    ],
    [
      'inside a list',
      `${head}triggers:\n  - event: a\n  - file: x\n    existing: maybe\n`,
      '/fleet/watcher.agent:6:15: expected one of ignore, deliver, found "maybe"',
    ],
    [
      'inside a flow map',
      `${head}delivery: { max_retries: -1 }\n`,
      '/fleet/watcher.agent:3:26: expected a whole number, 0 or more, found the number -1',
    ],
    [
      'a bad schedule',
      `${head}triggers:\n  - cron: "99 * * * *"\n`,
      '/fleet/watcher.agent:4:11: cron "99 * * * *": expected 5 fields',
    ],
    [
      'a schedule that never fires',
      `${head}triggers:\n  - cron: "0 0 31 2 *"\n`,
      '/fleet/watcher.agent:4:11: cron "0 0 31 2 *": expected a pattern that comes, found a date that no year has',
    ],
    [
      'a topic that never matches',
      `${head}triggers:\n  - event: "pipe*"\n`,
      '/fleet/watcher.agent:4:12: expected "*" or "**" alone between dots, found "pipe*"',
    ],
    [
      'a filter that cannot be read',
      `${head}triggers:\n  - cron: "0 * * * *"\n    filter: "payload.a = 1"\n`,
      '/fleet/watcher.agent:5:13: filter, column 11: expected ==, found =',
    ],
    [
      'a filter by its older name',
      `${head}triggers:\n  - cron: "0 * * * *"\n    filter_expression: "payload.a = 1"\n`,
      '/fleet/watcher.agent:5:24: filter, column 11: expected ==, found =',
    ],
    [
      'a key that is no path',
      `${head}triggers:\n  - event: a\n    debounce: 1s\n    key: customer\n`,
      '/fleet/watcher.agent:6:10: path, column 1: expected a value, or a path that begins with payload',
    ],
    [
      'a key of lanes that is no path',
      `${head}triggers:\n  - event: a\n    concurrency_key: payload.\n`,
      '/fleet/watcher.agent:5:22: path, column 9: expected a name',
    ],
    [
      'a schema of messages',
      `${head}triggers:\n  - message: boss\n    schema:\n      type: object\n      properties: { n: { type: intiger } }\n`,
      '/fleet/watcher.agent:7:32: expected a JSON Schema, found one that must be equal to one of the allowed values',
    ],
    [
      'a word that no schema has',
      `${head}triggers:\n  - message: boss\n    schema: { propertys: {} }\n`,
      '/fleet/watcher.agent:5:13: expected a JSON Schema, found: strict mode: unknown keyword: "propertys"',
    ],
    [
      'a schema file that is not there',
      `${head}triggers:\n  - message: boss\n    schema: ./order.json\n`,
      '/fleet/watcher.agent:5:13: expected a JSON Schema in ./order.json, found no file',
    ],
    [
      'a doubled key',
      `${head}name: other\n`,
      '/fleet/watcher.agent:3:1: expected YAML, found: Map keys must be unique',
    ],
    ['an empty document', '', '/fleet/watcher.agent:1:1: expected a manifest: a map of fields, found nothing'],
  ])('%s', (_, text, line) => {
    expect(refusal(text).message).toContain(line)
    expect(refusal(text).message.split('\n')).toHaveLength(1)
  })

  it('says several problems at once, in the order of the file, with the places as details', () => {
    const error = refusal('name: 9\nmemory_mb: 1\ncolour: red\n')
    expect(error.code).toBe('INVALID_CONFIG')
    expect((error.details as { line: number; path: string }[]).map(({ line, path }) => [line, path])).toEqual([
      [1, 'entrypoint'],
      [1, 'name'],
      [2, 'memory_mb'],
      [3, 'colour'],
    ])
  })

  it.each([
    ['UNKNOWN_FIELD', `${head}colour: red\n`],
    ['MISSING_FIELD', 'name: watcher\n'],
    ['INVALID_CONFIG', `${head}concurrency: 0\n`],
    ['ENV_MISSING', `${head}labels: { team: "\${TEAM}" }\n`],
  ])('has the code %s when all problems agree', (code, text) => {
    expect(refusal(text).code).toBe(code)
  })
})

describe("YAML's own traps", () => {
  it.each([
    ['- cron: */5 * * * *', 'write - cron: "*/5 * * * *"'],
    ['- event: #alerts', 'write - event: "#alerts"'],
    ['- event: @daily', 'write - event: "@daily"'],
    ['- event: {{topic}}', 'write - event: "{{topic}}"'],
    ['- event: {topic}', 'write - event: "{topic}"'],
  ])('%s', (line, hint) => {
    expect(refusal(`${head}triggers:\n  ${line}\n`).message).toContain(`/fleet/watcher.agent:4:`)
    expect(refusal(`${head}triggers:\n  ${line}\n`).message).toContain(hint)
  })
})

describe('variables', () => {
  it('stand in every text value; unquoted ones may be numbers', () => {
    const text = `${head}memory_mb: \${MB}\nlabels: { team: "\${TEAM}", size: "\${MB}", home: "\${NONE:-here}", price: "$\${X}" }\n`
    const manifest = parse(text, { MB: '64', TEAM: 'data' })
    expect(manifest.memoryMb).toBe(64)
    expect(manifest.labels).toEqual({ team: 'data', size: '64', home: 'here', price: '${X}' })
  })

  it('that are unset are named with their place', () => {
    const error = refusal(`${head}context:\n  initial_state:\n    list: [a, "\${GONE}"]\n`)
    expect(error.message).toContain('/fleet/watcher.agent:5:15: expected the variable GONE, found it unset')
    expect(error.details).toMatchObject([{ path: 'context.initial_state.list.1' }])
  })

  it('that are unset only warn in a check, and excuse what the schema would say', () => {
    const reading = readManifestText(`${head}memory_mb: \${MB}\n`, { file: 'x.agent', env: {} })
    expect(reading.problems).toEqual([])
    expect(reading.warnings).toMatchObject([{ code: 'ENV_MISSING', line: 3, path: 'memory_mb' }])
  })
})
