import { allowedHost, VigilError } from '@vigil/protocol'
import ipaddr from 'ipaddr.js'

/** Where a request may go, decided from its URL and the manifest alone; what its name resolves to is seen at the connection. */
export interface Destination {
  readonly url: URL
  readonly port: number
  /** Present when the URL names an address: nothing is left to resolve. */
  readonly address?: string
  readonly grant: Grant
}

/**
 * How much an entry of `network.allow` vouches for. A `host` may be anywhere on the internet; a `host:port` was written
 * by someone who knows what listens there, also in this network; an `address` is what it is.
 */
export type Grant = 'host' | 'host_and_port' | 'address'

/** @throws INVALID_ARGUMENT no http(s) URL, or one with a password · NETWORK_DENIED no entry names it */
export function destinationOf(text: string, allow: readonly string[]): Destination {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new VigilError(
      'INVALID_ARGUMENT',
      `fetch expects an http(s) URL, found ${JSON.stringify(text.slice(0, 200))}`,
    )
  if (url.username !== '' || url.password !== '')
    throw new VigilError(
      'INVALID_ARGUMENT',
      `fetch expects a URL without a user name, found one for ${url.host}: send an authorization header`,
    )
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  const entry = allow
    .map(allowedHost)
    .filter((each) => each?.hostname === url.hostname)
    .filter((each) => each?.port === port || (each?.port === undefined && url.port === ''))
    .reduce((best, each) => (best?.port === undefined ? each : best), undefined)
  if (entry === undefined) throw denied(url.host, 'is not allowed', url.host)
  const address = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (ipaddr.isValid(address)) return { url, port, address, grant: 'address' }
  return { url, port, grant: entry.port === undefined ? 'host' : 'host_and_port' }
}

/** With the line that would allow it. */
export const denied = (host: string, reason: string, line: string): VigilError =>
  new VigilError('NETWORK_DENIED', `fetch to ${host} ${reason}; add to the manifest: network: { allow: ["${line}"] }`)
