import ipaddr from 'ipaddr.js'
import type { Grant } from './destination.ts'

/** Ranges of a network of one's own: who names host and port means them. */
const ownNetwork = new Set(['loopback', 'private', 'uniqueLocal', 'carrierGradeNat'])
/** All of IPv6 that is routed on the internet; the library calls everything unicast that has no other name. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')
/** Looks public and answers only machines of one cloud, with what they must not tell. */
const metadata = new Set(['168.63.129.16'])

/** The name of the range for which the grant is too small; undefined when a connection may be made. */
export function forbiddenRange(text: string, grant: Grant): string | undefined {
  if (grant === 'address') return undefined
  const range = rangeOf(text)
  if (range === 'unicast' || (grant === 'host_and_port' && ownNetwork.has(range))) return undefined
  return range
}

function rangeOf(text: string): string {
  // An interface behind the address (fe80::1%eth0) is nothing that a name on the internet may choose.
  if (!ipaddr.isValid(text) || text.includes('%')) return 'unreadable'
  const address = ipaddr.parse(text)
  const range = address.range()
  if (range !== 'unicast') return range
  if (metadata.has(address.toString())) return 'metadata'
  return address instanceof ipaddr.IPv6 && !address.match(globalUnicast) ? 'reserved' : range
}

/** Written in any form; an address that cannot be read is nowhere. */
export function isAddressOf(text: string, addresses: ReadonlySet<string>): boolean {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.process(text.replace(/%.*$/, ''))
  const range = address.range()
  return range === 'loopback' || range === 'unspecified' || addresses.has(address.toString())
}
