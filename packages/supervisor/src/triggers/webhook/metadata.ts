import type { HookRequest } from '../../surface.ts'
import { plainAddress } from './sources.ts'

/** Names of headers that carry what a reader of the journal could use to act for the sender. */
const credential = /authorization|cookie|signature|secret|token|password|api-?key/

/** What is on record of a request beside its body. */
export function metadataOf(
  { method, path, query, headers, remote }: HookRequest,
  verified: { readonly header?: string | undefined; readonly is: boolean; readonly deliveryId: string | undefined },
): Record<string, unknown> {
  const shown = Object.entries(headers).filter(([name]) => !credential.test(name) && name !== verified.header)
  return {
    method,
    path,
    query: query.size === 0 ? {} : valuesIn(query),
    headers: Object.fromEntries(shown),
    ...(remote === undefined ? {} : { remote: plainAddress(remote) }),
    signature_verified: verified.is,
    ...(verified.deliveryId === undefined ? {} : { delivery_id: verified.deliveryId }),
  }
}

const valuesIn = (query: URLSearchParams): Record<string, unknown> =>
  Object.fromEntries([...new Set(query.keys())].map((name) => [name, singleOrList(query.getAll(name))]))

/** A list only where a name came more than once. */
const singleOrList = (values: readonly string[]): string | readonly string[] =>
  values.length === 1 ? (values[0] as string) : values
