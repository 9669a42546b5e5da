import { createHash, timingSafeEqual } from 'node:crypto'
import { type Role, roles, VigilError } from '@vigil/protocol'

/** A token of the configuration: its hash is known, and never the token. */
export interface Token {
  /** What stands in records as the one who decided. */
  readonly name: string
  /** SHA-256, hex. */
  readonly hash: string
  readonly role: Role
  /** Only processes with all of these labels are there for it; empty: all. */
  readonly select: Readonly<Record<string, string>>
}

export type Caller = Pick<Token, 'name' | 'role' | 'select'>

/** Whoever has the token of the data directory, or calls where none is asked for. */
export const owner: Caller = { name: 'operator', role: 'admin', select: {} }

/** Every token is looked at, whichever is right, so that the time says nothing. */
export function callerOf(given: string, token: string, tokens: readonly Token[]): Caller | undefined {
  const digest = createHash('sha256').update(given).digest()
  const isRight = (hash: Buffer): boolean => hash.length === digest.length && timingSafeEqual(hash, digest)
  let caller: Caller | undefined
  for (const each of tokens) if (isRight(Buffer.from(each.hash, 'hex'))) caller = each
  return isRight(createHash('sha256').update(token).digest()) ? owner : caller
}

/** @throws ROLE_DENIED */
export function checkRole({ name, role }: Caller, least: Role): void {
  if (roles.indexOf(role) >= roles.indexOf(least)) return
  const who = least === 'admin' ? 'an admin' : 'an operator or admin'
  throw new VigilError('ROLE_DENIED', `expected ${who}, found the ${role} "${name}"`)
}
