import { createHash, timingSafeEqual } from 'node:crypto'
import { VigilError } from '@vigil/protocol'

/**
 * Who may call at all. The token is compared in constant time. A loopback listener answers only to its own
 * names, because a browser can be led to it by a foreign name (DNS rebinding) or from a foreign page.
 */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Whether an Authorization header carries the token. */
export function isToken(authorization: string, token: string): boolean {
  const [scheme, given] = authorization.split(' ')
  // Digests have one length, so the comparison says nothing about the token's.
  return timingSafeEqual(digest(given ?? ''), digest(token)) && scheme?.toLowerCase() === 'bearer'
}

/** @throws UNAUTHORIZED */
export function checkToken(request: Request, token: string): void {
  const authorization = request.headers.get('authorization') ?? ''
  if (!isToken(authorization, token)) {
    const [, given] = authorization.split(' ')
    throw new VigilError(
      'UNAUTHORIZED',
      given === undefined
        ? 'expected a bearer token, found none'
        : 'expected the token of this supervisor, found another',
    )
  }
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
