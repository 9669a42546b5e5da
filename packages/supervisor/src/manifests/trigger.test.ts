import { expect, test } from 'vitest'
import { parseManifestText } from './parse.ts'
import { manifestFromSpec } from './spec.ts'
import { readTrigger } from './trigger.ts'
import { onEvent } from './trigger-builders.ts'

const problem = (given: unknown) => {
  try {
    readTrigger(given, {})
    return undefined
  } catch (error) {
    return (error as { details?: { path: string; message: string }[]; message: string }).details?.[0]
  }
}

test('a trigger is read in every form of a manifest', () => {
  const cron = { type: 'cron', cronExpression: '*/5 * * * *', timezone: 'UTC' }
  expect(readTrigger({ cron: '*/5 * * * *' }, {})).toEqual(cron)
  expect(readTrigger({ type: 'cron', cron_expression: '*/5 * * * *' }, {})).toEqual(cron)
  expect(readTrigger('cron: "*/5 * * * *"\n', {})).toEqual(cron)
  expect(readTrigger('{"file": "/in/*.csv"}', {})).toMatchObject({ watchPath: '/in', watchPatterns: ['*.csv'] })
  expect(readTrigger({ webhook: '/a', secret: `\${A}` }, {})).toMatchObject({
    verification: { secrets: [{ variable: 'A' }] },
  })
})

test.each<[unknown, string, string]>([
  [{ cron: '61 * * * *' }, 'cron', 'expected 5 fields'],
  [{ event: 'a.*', filtre: 'x' }, 'filtre', 'known field'],
  [{ event: 'a.*', filter: 'payload.' }, 'filter', 'expected'],
  [{ file: './in/*.csv' }, 'watch_path', 'expected an absolute path, found ./in'],
  [{ message: 'x', schema: './x.json' }, 'schema', 'the JSON Schema itself'],
  [{ webhook: '/a', secret: { file: './x' } }, 'secret.0.file', 'an absolute path'],
  [{ webhook: '/a', secret: 'whsec_secret' }, 'secret', 'a reference such as'],
  ['cron', '', 'expected'],
  [null, '', 'expected'],
])('%j is refused at its place', (given, path, words) => {
  expect(problem(given)).toMatchObject({ path, message: expect.stringContaining(words) })
})

test('a secret in clear text is refused, and no message repeats it', () => {
  expect(() => readTrigger({ webhook: '/a', secret: 'whsec_secret' }, {})).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('whsec_secret') }),
  )
})

test('what is no YAML, and a type that nobody registered', () => {
  expect(() => readTrigger('cron: "x', {})).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }))
  expect(() => readTrigger({ type: 'queue' }, {})).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }))
})

test('two triggers that listen to the same are refused, at the second', () => {
  const text =
    'name: a\nentrypoint: ./a.ts\ntriggers:\n  - event: a.*\n  - event: b\n  - { type: event, event_type: a.*, filter: "true" }\n'
  const words = 'expected triggers that differ in what they listen to, found that of triggers.0 again'
  expect(() => parseManifestText(text, { file: 'a.agent', env: {} })).toThrow(
    expect.objectContaining({ details: [expect.objectContaining({ path: 'triggers.2', line: 6, message: words })] }),
  )
  const spec = { name: 'a', entrypoint: '/a.ts', triggers: [onEvent('x'), onEvent('x')] }
  expect(() => manifestFromSpec(spec, { baseDirectory: '/' })).toThrow(
    expect.objectContaining({ details: [expect.objectContaining({ path: 'triggers.1' })] }),
  )
})
