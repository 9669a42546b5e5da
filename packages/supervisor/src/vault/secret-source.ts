import { type FileSystem, limits } from '@vigil/protocol'
import type { AgentSecret } from '../manifests/manifest.ts'
import { fixedMemory, secretPage } from './secret-page.ts'

export interface SecretSources {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly fileSystem: Pick<FileSystem, 'open' | 'stat'>
}

export interface Read {
  /** Another one where something else stands. */
  readonly version: string
  readonly page: SharedArrayBuffer
  /** It stands in the manifest, and so on record. */
  readonly isPublic?: true
}

/** What stands there now, `before` when that is still it, or why there is nothing. */
export async function readSource<T extends Read>(
  { env, fileSystem }: SecretSources,
  source: AgentSecret,
  before: T | undefined,
): Promise<T | Read | string> {
  if ('variable' in source) {
    if (before?.version === source.variable) return before
    const { variable, fallback = '' } = source
    const value = env[variable] ?? ''
    if (value === '' && fallback === '') return `the variable ${variable} is not set`
    const page = secretPage(new TextEncoder().encode(value === '' ? fallback : value))
    return { version: variable, page, ...(value === '' ? { isPublic: true } : {}) }
  }
  try {
    const stat = await fileSystem.stat(source.file)
    if (stat?.kind !== 'file' || stat.size === 0) return `there is nothing in ${source.file}`
    if (stat.size > limits.secretBytes) return `${source.file} is longer than any secret`
    const version = `${source.file} ${stat.mtimeMs} ${stat.size} ${stat.inode}`
    return before?.version === version
      ? before
      : { version, page: secretPage(withoutNewline(await bytesOf(fileSystem, source.file, stat.size))) }
  } catch (error) {
    return `${source.file} cannot be read (${(error as { code?: string }).code ?? 'unknown'})`
  }
}

async function bytesOf(fileSystem: SecretSources['fileSystem'], path: string, size: number): Promise<Uint8Array> {
  const bytes = fixedMemory(size)
  const file = await fileSystem.open(path, 'read')
  try {
    return bytes.subarray(0, await file.read(bytes, 0))
  } finally {
    await file.close()
  }
}

/** Of its own memory, so that nothing is left when it is zeroed. */
function withoutNewline(bytes: Uint8Array): Uint8Array {
  const end = bytes.at(-1) !== 0x0a ? bytes.length : bytes.at(-2) === 0x0d ? bytes.length - 2 : bytes.length - 1
  bytes.fill(0, end)
  return bytes.subarray(0, end)
}
