import type { LookupAddress } from 'node:dns'
import { lookup as resolve } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { networkInterfaces } from 'node:os'
import { VigilError } from '@vigil/protocol'
import ipaddr from 'ipaddr.js'
import { buildConnector } from 'undici'
import { forbiddenRange, isAddressOf } from './address-range.ts'
import { denied, type Grant } from './destination.ts'
import { type Swap, swapping } from './secret-swap.ts'

/** A socket to a host that swallows packets outlives the request that gave up on it, but not for long. */
const connectTimeoutMs = 30_000

export interface ConnectorOptions {
  readonly grant: Grant
  /** Where Vigil itself listens, on every address of this machine. */
  readonly ownPorts: ReadonlySet<number>
  /** Of the requests that are under way, by what their heads call them. */
  readonly swaps: ReadonlyMap<string, Swap>
  /** The resolver of the machine unless a test brings its own. */
  readonly resolver?: Resolver | undefined
}

export type Resolver = (
  hostname: string,
  options: { readonly all: true },
  done: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

/**
 * Connects to what a name resolves to at this moment and to nothing else: addresses are looked at between resolution and
 * connection, so a name that resolves differently a moment later changes nothing.
 */
export function pinnedConnector({
  grant,
  ownPorts,
  swaps,
  resolver = resolve,
}: ConnectorOptions): buildConnector.connector {
  // One for each port: the connector keeps TLS sessions, and the lookup of a socket is not told its port.
  const connectors = new Map<number, buildConnector.connector>()
  const lookupFor =
    (port: number): LookupFunction =>
    (hostname, options, done) =>
      resolver(hostname, { all: true }, (error, addresses) => {
        const problem = error ?? addresses.map(({ address }) => refusal(address, hostname)).find(Boolean)
        const [first] = addresses ?? []
        if (problem || first === undefined) return done(problem ?? new Error(`${hostname} has no address`), '', 0)
        if (options.all === true) done(null, addresses)
        else done(null, first.address, first.family)

        function refusal(address: string, name: string): VigilError | undefined {
          return own(address, port) ?? outOfReach(name, { address, port, grant })
        }
      })
  const own = (address: string, port: number): VigilError | undefined => ownListener(address, port, ownPorts)

  return (options, done) => {
    const port = Number(options.port) || (options.protocol === 'https:' ? 443 : 80)
    const literal = options.hostname.replace(/^\[(.*)\]$/, '$1')
    const problem = ipaddr.isValid(literal) ? own(literal, port) : undefined
    if (problem !== undefined) return done(problem, null)
    const connector =
      connectors.get(port) ??
      // A secret becomes bytes just before the socket: frames of HTTP/2 would be made of strings.
      buildConnector({ timeout: connectTimeoutMs, allowH2: false, lookup: lookupFor(port) })
    connectors.set(port, connector)
    connector(options, (...[error, socket]) =>
      error === null ? done(null, swapping(socket, swaps)) : done(error, null),
    )
  }
}

function outOfReach(
  hostname: string,
  { address, port, grant }: { readonly address: string; readonly port: number; readonly grant: Grant },
): VigilError | undefined {
  const range = forbiddenRange(address, grant)
  if (range === undefined) return undefined
  const line =
    grant === 'host' && forbiddenRange(address, 'host_and_port') === undefined ? `${hostname}:${port}` : address
  return denied(hostname, `leads to ${address}, which is not on the internet (${range})`, line)
}

/** On this machine: loopback, every address of its interfaces, and the unspecified one, which leads back here. */
function ownListener(address: string, port: number, ownPorts: ReadonlySet<number>): VigilError | undefined {
  if (!ownPorts.has(port)) return undefined
  const mine = new Set(Object.values(networkInterfaces()).flatMap((each) => each?.map((one) => one.address) ?? []))
  if (!isAddressOf(address, mine)) return undefined
  return new VigilError(
    'NETWORK_DENIED',
    `fetch to ${address}:${port} is a call of Vigil to itself: no agent reaches its listeners, whatever is allowed`,
  )
}
