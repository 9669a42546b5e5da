import { expect, it } from 'vitest'
import { parseManifestText, readManifestText } from './parse.ts'
import { manifestFromSpec } from './spec.ts'

const head = 'name: a\nentrypoint: ./a.ts\nsecrets:\n'
const env = { KEY: 'hunter2hunter2', FOLDER: '/run/secrets', HOST: 'api.example.com' }
const secretsOf = (yaml: string) => parseManifestText(head + yaml, { file: '/fleet/a.agent', env }).secrets

it('keeps references to secrets and never their values; paths and hosts may hold variables', () => {
  const secrets = secretsOf(
    '  short: "${KEY}"\n  long: { value: "${KEY}", hosts: ["${HOST}"] }\n  file: { file: "${FOLDER}/key" }\n  near: { file: ./key }\n',
  )
  expect(secrets).toEqual({
    short: { variable: 'KEY' },
    long: { variable: 'KEY', hosts: ['api.example.com'] },
    file: { file: '/run/secrets/key' },
    near: { file: '/fleet/key' },
  })
  expect(JSON.stringify(secrets)).not.toContain('hunter2')
})

it('says which variable is not set, and refuses a secret that is written down, with its place', () => {
  const reading = readManifestText(`${head}  a: "\${NOT_SET}"\n  b: hunter2hunter2\n`, { file: 'a.agent', env })
  expect(reading.warnings).toMatchObject([{ code: 'ENV_MISSING', path: 'secrets.a', line: 4 }])
  expect(reading.problems).toMatchObject([{ code: 'INVALID_CONFIG', path: 'secrets.b', line: 5 }])
})

it('takes a default, a time to live, and that bytes may be lent', () => {
  const yaml = '  a: "${NOT_SET:-for:-tests}"\n  b: { value: "${KEY:-}", ttl: 1h, lease: true }\n'
  expect(secretsOf(yaml)).toEqual({
    a: { variable: 'NOT_SET', fallback: 'for:-tests' },
    b: { variable: 'KEY', fallback: '', ttlMs: 3_600_000, lease: true },
  })
})

it('lends no bytes into a cell that others share, and says where it was asked', () => {
  const text = `${head}  a: { file: ./a, lease: true }\n  b: { file: ./b }\nisolation: thread\n`
  expect(readManifestText(text, { file: 'a.agent', env }).problems).toMatchObject([
    { code: 'INVALID_CONFIG', path: 'secrets.a.lease', line: 4, message: expect.stringContaining('isolation: thread') },
  ])
  expect(readManifestText(text.replace('thread', 'auto'), { file: 'a.agent', env }).problems).toEqual([])
})

it('takes the same from a program, whose names stay as they are', () => {
  const secrets = { apiKey: '${KEY}', other_key: { file: 'key', hosts: ['a.test'] } }
  expect(manifestFromSpec({ name: 'a', entrypoint: '/a.ts', secrets }, { baseDirectory: '/base' }).secrets).toEqual({
    apiKey: { variable: 'KEY' },
    other_key: { file: '/base/key', hosts: ['a.test'] },
  })
})
