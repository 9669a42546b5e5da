import { randomBytes } from 'node:crypto'
import { chmod, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileStat } from '@vigil/protocol'

/**
 * The files that the daemon keeps beside the journal for those who call it: the token and where it listens.
 * Both are for their owner only and appear whole or not at all.
 */
const tokenBytes = 32

/** The token of this data directory, made at the first start; `VIGIL_TOKEN` wins. */
export async function ensureToken(
  data: string,
  given: string | undefined,
): Promise<{ readonly token: string; readonly file?: string }> {
  if (given !== undefined && given !== '') return { token: given }
  if (data === ':memory:') return { token: randomBytes(tokenBytes).toString('hex') }
  const file = join(data, 'token')
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  if (kept.trim() !== '') return { token: kept.trim(), file }
  const token = randomBytes(tokenBytes).toString('hex')
  await writeWhole(file, `${token}\n`)
  return { token, file }
}

const endpointFile = (data: string): string => join(data, 'endpoint.json')

/** Tells the command line where this supervisor listens. */
export async function writeEndpoint(
  data: string,
  endpoint: { readonly url: string; readonly pid: number },
): Promise<void> {
  if (data !== ':memory:') await writeWhole(endpointFile(data), `${JSON.stringify(endpoint)}\n`)
}

export async function removeEndpoint(data: string): Promise<void> {
  if (data !== ':memory:') await rm(endpointFile(data), { force: true })
}

async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.tmp`
  await writeFile(draft, text, { mode: 0o600 })
  // A draft that an earlier crash left behind keeps its own rights, whatever `mode` says.
  await chmod(draft, 0o600)
  await rename(draft, file)
}

/** The part of a disk that reading manifests needs. */
export const manifestDisk = {
  readFile: (path: string): Promise<Uint8Array> => readFile(path),
  readDirectory: async (path: string): Promise<string[]> => (await readdir(path)).sort(),
  stat: async (path: string): Promise<FileStat | undefined> => {
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
      throw error
    })
    if (found === undefined) return undefined
    const kind = found.isDirectory() ? 'directory' : found.isFile() ? 'file' : 'other'
    return { kind, size: found.size, mtimeMs: found.mtimeMs, inode: found.ino }
  },
}
