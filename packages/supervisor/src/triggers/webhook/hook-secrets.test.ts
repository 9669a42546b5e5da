import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeFileSystem } from '@vigil/journal'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { newProcessFold } from '../../fold/process-fold.ts'
import type { Manifest, SecretReference, WebhookVerification } from '../../manifests/manifest.ts'
import type { WebhookTrigger } from './access.ts'
import { hookSecrets } from './hook-secrets.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-secret-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const process = newProcessFold('a', {} as Manifest, 'b1')
const made = async (_process: unknown, { webhookPath }: WebhookTrigger): Promise<string> => {
  if (webhookPath === '/a') return 'made'
  throw new Error('it was revoked')
}

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
  const secrets = hookSecrets({ env: {}, fileSystem, made })
  const hook = trigger([{ file: path }])
  expect(await secrets.keys(process, hook)).toEqual([])
  expect(secrets.problem(hook)).toBe(`there is no file ${path}`)
  writeFileSync(path, 'first\n')
  expect([texts(await secrets.keys(process, hook)), texts(await secrets.keys(process, hook)), reads]).toEqual([
    ['first'],
    ['first'],
    1,
  ])
  expect(secrets.problem(hook)).toBeUndefined()
  writeFileSync(path, 'other\n')
  utimesSync(path, new Date(), new Date(Date.now() + 5_000))
  expect([texts(await secrets.keys(process, hook)), reads]).toEqual([['other'], 2])
  writeFileSync(path, 'x'.repeat(70_000))
  expect(await secrets.keys(process, hook)).toEqual([])
  expect(secrets.problem(hook)).toContain('longer than any secret')
})

it('goes on with one of two secrets, and says what is missing when there is none', async () => {
  const env = { NEW: 'new', EMPTY: '' }
  const secrets = hookSecrets({ env, fileSystem: nodeFileSystem(), made })
  const rotating = trigger([{ variable: 'NEW' }, { variable: 'OLD' }])
  expect(texts(await secrets.keys(process, rotating))).toEqual(['new'])
  expect(secrets.problem(rotating)).toBeUndefined()
  const cases: [WebhookTrigger, string][] = [
    [trigger([{ variable: 'OLD' }]), 'the variable OLD is not set'],
    [trigger([{ variable: 'EMPTY' }]), 'the variable EMPTY holds no secret of the scheme github'],
    [
      trigger([{ variable: 'NEW' }], 'standard'),
      'the variable NEW holds no secret of the scheme standard (whsec_ and base64)',
    ],
    [trigger([{ file: folder }]), `there is no file ${folder}`],
  ]
  for (const [hook, problem] of cases) {
    expect(await secrets.keys(process, hook)).toEqual([])
    expect(secrets.problem(hook)).toBe(problem)
  }
})

it('takes what the vault has made where the manifest names none, and says why there is nothing', async () => {
  const secrets = hookSecrets({ env: {}, fileSystem: nodeFileSystem(), made })
  expect(texts(await secrets.keys(process, trigger([])))).toEqual(['made'])
  const other = { ...trigger([]), webhookPath: '/b' }
  expect([await secrets.keys(process, other), secrets.problem(other)]).toEqual([[], 'it was revoked'])
})
