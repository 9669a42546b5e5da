import { BlockList, isIP } from 'node:net'

/** Who may call, by address: single ones and networks, of both families. */
export type Sources = (address: string | undefined) => boolean

/** What is wrong with a list, in a sentence; undefined when it is good. */
export function sourcesProblem(sources: readonly string[]): string | undefined {
  const bad = sources.find((source) => parsed(source) === undefined)
  return bad === undefined
    ? undefined
    : `expected an address or a network such as 203.0.113.0/24 or 2001:db8::/32, found ${JSON.stringify(bad)}`
}

export function sourceList(sources: readonly string[]): Sources {
  const list = new BlockList()
  for (const source of sources) {
    const found = parsed(source)
    if (found === undefined) continue
    if (found.bits === undefined) list.addAddress(found.address, found.family)
    else list.addSubnet(found.address, found.bits, found.family)
  }
  return (address) => {
    const found = address === undefined ? undefined : parsed(plainAddress(address))
    return found !== undefined && list.check(found.address, found.family)
  }
}

/** A socket that listens on both families tells IPv4 callers in the words of IPv6; a link-local one names its interface. */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')

export const isLoopbackAddress = (address: string): boolean => /^(127\.\d+\.\d+\.\d+|::1)$/.test(plainAddress(address))

function parsed(source: string): { address: string; family: 'ipv4' | 'ipv6'; bits?: number } | undefined {
  const [address = '', bits, ...rest] = source.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0 || address.includes('%')) return undefined
  const family = version === 4 ? 'ipv4' : 'ipv6'
  if (bits === undefined) return { address, family }
  const count = /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
  return count <= (version === 4 ? 32 : 128) ? { address, family, bits: count } : undefined
}
