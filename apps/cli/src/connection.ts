import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Client, createClient, VigilError } from '@vigil/protocol'

/** Finds the supervisor to talk to: what the flags say, else what its data directory says, else the default port. */
export interface ConnectionFlags {
  readonly url?: string
  readonly token?: string
  readonly data?: string
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** The text of a file, undefined when it is not there. */
  readonly read: (path: string) => string | undefined
}

export interface Connection {
  readonly url: string
  readonly token?: string
}

const defaultUrl = 'http://127.0.0.1:9100'

/** @throws INVALID_ARGUMENT */
export function findConnection(flags: ConnectionFlags, { env, cwd, read }: Surroundings): Connection {
  const data = resolve(cwd, flags.data ?? env.VIGIL_DATA ?? '.vigil')
  const url = flags.url ?? endpointUrl(read(join(data, 'endpoint.json'))) ?? defaultUrl
  const protocol = URL.parse(url)?.protocol
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new VigilError(
      'INVALID_ARGUMENT',
      `--url: expected an address such as ${defaultUrl}, found ${JSON.stringify(url)}`,
    )
  }
  const token = flags.token ?? env.VIGIL_TOKEN ?? read(join(data, 'token'))?.trim()
  return { url, ...(token === undefined || token === '' ? {} : { token }) }
}

/** A file that is half written or foreign counts as none: the default address then says who does not answer. */
function endpointUrl(text: string | undefined): string | undefined {
  try {
    const url: unknown = JSON.parse(text ?? 'null')?.url
    return typeof url === 'string' ? url : undefined
  } catch {
    return undefined
  }
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new VigilError('INVALID_ARGUMENT', `cannot read ${path}: ${message}`)
  }
}

export const connect = (flags: ConnectionFlags, surroundings: Surroundings): Client =>
  createClient(findConnection(flags, surroundings))
