import { VigilError } from '@vigil/protocol'
import { type Caller, callerOf, owner, type Token } from './callers.ts'

/**
 * Who may call at all. The token is compared in constant time. A loopback listener answers only to its own
 * names, because a browser can be led to it by a foreign name (DNS rebinding) or from a foreign page.
 */
/** What an Authorization header carries; undefined when it is no bearer token. */
function bearerOf(authorization: string): string | undefined {
  const [scheme, given] = authorization.split(' ')
  return scheme?.toLowerCase() === 'bearer' ? given : undefined
}

/** Whether it carries the token of the supervisor. */
export const isToken = (authorization: string, token: string): boolean =>
  callerOf(bearerOf(authorization) ?? '', token, []) !== undefined

/** @throws UNAUTHORIZED */
export function checkToken(request: Request, { token, tokens }: Access): Caller {
  if (token === undefined) return owner
  const given = bearerOf(request.headers.get('authorization') ?? '')
  const caller = callerOf(given ?? '', token, tokens ?? [])
  if (caller !== undefined) return caller
  const found = given === undefined ? 'a bearer token, found none' : 'a token of this supervisor, found another'
  throw new VigilError('UNAUTHORIZED', `expected ${found}`)
}

/** Who may call at all. */
export interface Access {
  /** The token of the data directory; undefined: nobody is asked for one. */
  readonly token: string | undefined
  /** Those of the configuration. */
  readonly tokens?: readonly Token[]
}

export const loopbackHosts: readonly string[] = ['127.0.0.1', 'localhost', '[::1]']

export const isLoopback = (host: string): boolean =>
  loopbackHosts.includes(host) || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)

/** @throws MISDIRECTED, FORBIDDEN */
export function checkOrigin(request: Request, hosts: readonly string[]): void {
  const host = request.headers.get('host') ?? new URL(request.url).host
  const name = host.replace(/:\d+$/, '')
  if (!hosts.includes(name))
    throw new VigilError('MISDIRECTED', `expected one of the hosts ${hosts.join(', ')}, found ${name}`)
  const origin = request.headers.get('origin')
  // Another port of this machine is another program: its pages are as foreign as any.
  if (origin !== null && URL.parse(origin)?.host !== host) {
    throw new VigilError('FORBIDDEN', `expected no Origin or http://${host}, found ${origin}`)
  }
}
