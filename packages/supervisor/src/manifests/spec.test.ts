import { expect, it, test } from 'vitest'
import { manifestFromSpec, type SpawnSpec } from './spec.ts'
import { cron, fileWatch, onEvent, onMessage } from './trigger-builders.ts'

const least: SpawnSpec = { name: 'triage', entrypoint: new URL('file:///agents/triage.ts') }
const effective = (fields: Partial<SpawnSpec> | Record<string, unknown>) =>
  manifestFromSpec({ ...least, ...fields } as SpawnSpec, { baseDirectory: '/base' })

it('maps camelCase through the schema of the file', () => {
  const manifest = effective({
    maxTurn: '2m',
    restartBackoff: 0.5,
    restartPolicy: 'temporary',
    delivery: { maxRetries: 0 },
    context: { initialState: { maxSeen: 1 } },
    files: { outBox: './out' },
    labels: { teamName: 'x' },
    triggers: [
      { type: 'file_watch', watchPath: './in', watchPatterns: ['*.csv'] },
      { type: 'cron', cronExpression: '0 * * * *' },
    ],
  })
  expect(manifest).toMatchObject({
    entrypoint: '/agents/triage.ts',
    maxTurnMs: 120_000,
    restartBackoffMs: 500,
    restartPolicy: 'never',
    delivery: { maxRetries: 0, retryBackoffMs: 2_000 },
    context: { initialState: { maxSeen: 1 } },
    files: { outBox: { path: '/base/out', mode: 'ro' } },
    labels: { teamName: 'x' },
    triggers: [
      { watchPath: '/base/in', watchPatterns: ['*.csv'] },
      { cronExpression: '0 * * * *', timezone: 'UTC' },
    ],
  })
})

it('takes triggers from builders', () => {
  const triggers = [
    cron('0 9 * * *', { timezone: 'Europe/Berlin' }),
    fileWatch('./in/*.csv', { existing: 'deliver' }),
    onEvent('orders.*', { source: 'shop' }),
    onMessage({ from: 'boss' }),
    onMessage(),
  ]
  expect(effective({ triggers }).triggers).toMatchObject([
    { type: 'cron', cronExpression: '0 9 * * *', timezone: 'Europe/Berlin' },
    { type: 'file_watch', watchPath: '/base/in', watchPatterns: ['*.csv'], existing: 'deliver' },
    { type: 'event', eventType: 'orders.*', source: 'shop' },
    { type: 'message', from: 'boss' },
    { type: 'message' },
  ])
})

it('takes a path as entrypoint, and file URLs as text', () => {
  expect(effective({ entrypoint: './a.ts' }).entrypoint).toBe('/base/a.ts')
  expect(effective({ entrypoint: 'file:///x/a.ts' }).entrypoint).toBe('/x/a.ts')
})

it('takes undefined as absent', () => {
  expect(effective({ memoryMb: undefined, mailbox: undefined }).memoryMb).toBe(256)
})

it.each<[Record<string, unknown>, string, string]>([
  [{ entrypoint: () => 1 }, 'FUNCTION_NOT_PORTABLE', 'found a function'],
  [{ entrypoint: undefined }, 'MISSING_FIELD', 'triage: entrypoint: expected entrypoint'],
  [{ memryMb: 64 }, 'UNKNOWN_FIELD', 'triage: memryMb: expected a known field, found memryMb (did you mean memoryMb?)'],
  [{ restartPolicy: 'on_failur' }, 'INVALID_CONFIG', 'did you mean on_failure?'],
  [{ triggers: [{ type: 'cron', cronExpression: 'often' }] }, 'INVALID_CONFIG', 'cron "often": expected 5 fields'],
  [{ triggers: [onEvent('pipe*')] }, 'INVALID_CONFIG', 'expected "*" or "**" alone between dots, found "pipe*"'],
  [{ triggers: [onMessage({ topic: 'a..b' })] }, 'INVALID_CONFIG', 'found an empty one in "a..b"'],
  [
    { delivery: { maxRetries: -1 } },
    'INVALID_CONFIG',
    'triage: delivery.maxRetries: expected a whole number, 0 or more, found the number -1',
  ],
])('refuses %j', (fields, code, message) => {
  expect(() => effective(fields)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
})

test.each([
  ['openai:gpt-5-mini', 'openai:gpt-5-mini'],
  ['openrouter/openai/gpt-5', 'openrouter:openai/gpt-5'],
  ['openrouter:openai/gpt-5', 'openrouter:openai/gpt-5'],
  ['ollama/llama3.2:3b', 'ollama:llama3.2:3b'],
])('the model %s is called %s', (written, canonical) => {
  const { thinking } = manifestFromSpec({ name: 'a', model: written }, { baseDirectory: '/' })
  expect(thinking).toMatchObject({ model: canonical, instructions: '', max_output_tokens: 4_096 })
})
