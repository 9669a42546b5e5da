import { join } from 'node:path'
import { type FileSystem, VigilError } from '@vigil/protocol'
import { secretPage } from './secret-page.ts'

const keyBytes = 32
const longestFile = 1_000

/**
 * The key that the vault is sealed with: VIGIL_KEY, then the key file of the configuration, then what systemd gives as a credential.
 * Undefined: there is none. A variable stays in the environment of the supervisor until it exits.
 * @throws INVALID_CONFIG it is not 32 bytes, or its file cannot be read
 */
export async function vaultKey({
  env,
  keyFile,
  fileSystem,
}: {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly keyFile: string | undefined
  readonly fileSystem: Pick<FileSystem, 'readFile' | 'stat'>
}): Promise<SharedArrayBuffer | undefined> {
  if (env.VIGIL_KEY) return pageOf(new TextEncoder().encode(env.VIGIL_KEY), 'VIGIL_KEY')
  if (keyFile !== undefined) return await fromFile(keyFile)
  const directory = env.CREDENTIALS_DIRECTORY
  if (!directory) return undefined
  const path = join(directory, 'vigil-key')
  return (await fileSystem.stat(path)) === undefined ? undefined : await fromFile(path)

  async function fromFile(path: string): Promise<SharedArrayBuffer> {
    const stat = await fileSystem.stat(path)
    if (stat?.kind !== 'file' || stat.size > longestFile)
      throw new VigilError('INVALID_CONFIG', `expected ${words} in ${path}, found no such file`)
    return pageOf(await fileSystem.readFile(path), path)
  }
}

/** Where a key may lie, also one that is not used. */
export const keyFiles = ({ env, keyFile }: Omit<Parameters<typeof vaultKey>[0], 'fileSystem'>): string[] =>
  [keyFile, env.CREDENTIALS_DIRECTORY].filter((path) => path !== undefined && path !== '') as string[]

const words = 'a key of 32 bytes, raw or as base64 or hex,'

/** Zeroes what it is given. */
function pageOf(given: Uint8Array, where: string): SharedArrayBuffer {
  if (given.length === keyBytes) return secretPage(given)
  const key = decoded(given)
  given.fill(0)
  if (key !== undefined) return secretPage(key)
  throw new VigilError('INVALID_CONFIG', `expected ${words} in ${where}, found something else`)
}

function decoded(given: Uint8Array): Uint8Array | undefined {
  const text = new TextDecoder('latin1').decode(given).trim()
  if (/^[0-9a-f]{64}$/i.test(text)) return Uint8Array.from(Buffer.from(text, 'hex'))
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? Uint8Array.from(Buffer.from(text, 'base64')) : undefined
}
