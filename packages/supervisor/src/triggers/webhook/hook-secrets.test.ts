import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeFileSystem } from '@vigil/journal'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { SecretReference, WebhookVerification } from '../../manifests/manifest.ts'
import type { WebhookTrigger } from './access.ts'
import { hookSecrets } from './hook-secrets.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-secret-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const trigger = (
  secrets: readonly SecretReference[],
  scheme: WebhookVerification['scheme'] = 'github',
): WebhookTrigger => ({
  type: 'webhook',
  webhookPath: '/a',
  verification: { scheme, secrets },
})
const texts = (keys: readonly Uint8Array[]) => keys.map((key) => Buffer.from(key).toString())

it('reads a file again when it has changed, and only then', async () => {
  const path = join(folder, 'secret')
  let reads = 0
  const disk = nodeFileSystem()
  const fileSystem = {
    stat: disk.stat,
    readFile: (file: string) => {
      reads += 1
      return disk.readFile(file)
    },
  }
  const secrets = hookSecrets({ env: {}, fileSystem })
  const hook = trigger([{ file: path }])
  expect(await secrets.keys(hook)).toEqual([])
  expect(secrets.problem(hook)).toBe(`there is no file ${path}`)
  writeFileSync(path, 'first\n')
  expect([texts(await secrets.keys(hook)), texts(await secrets.keys(hook)), reads]).toEqual([['first'], ['first'], 1])
  expect(secrets.problem(hook)).toBeUndefined()
  writeFileSync(path, 'other\n')
  utimesSync(path, new Date(), new Date(Date.now() + 5_000))
  expect([texts(await secrets.keys(hook)), reads]).toEqual([['other'], 2])
  writeFileSync(path, 'x'.repeat(70_000))
  expect(await secrets.keys(hook)).toEqual([])
  expect(secrets.problem(hook)).toContain('longer than any secret')
})

it('goes on with one of two secrets, and says what is missing when there is none', async () => {
  const env = { NEW: 'new', EMPTY: '' }
  const secrets = hookSecrets({ env, fileSystem: nodeFileSystem() })
  const rotating = trigger([{ variable: 'NEW' }, { variable: 'OLD' }])
  expect(texts(await secrets.keys(rotating))).toEqual(['new'])
  expect(secrets.problem(rotating)).toBeUndefined()
  const cases: [WebhookTrigger, string][] = [
    [trigger([{ variable: 'OLD' }]), 'the variable OLD is not set'],
    [trigger([{ variable: 'EMPTY' }]), 'the variable EMPTY holds no secret of the scheme github'],
    [
      trigger([{ variable: 'NEW' }], 'standard'),
      'the variable NEW holds no secret of the scheme standard (whsec_ and base64)',
    ],
    [trigger([]), 'the manifest names no secret'],
    [trigger([{ file: folder }]), `there is no file ${folder}`],
  ]
  for (const [hook, problem] of cases) {
    expect(await secrets.keys(hook)).toEqual([])
    expect(secrets.problem(hook)).toBe(problem)
  }
})
