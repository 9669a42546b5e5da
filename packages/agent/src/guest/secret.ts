import { hash } from 'node:crypto'
import type { SecretHandle } from '../context.ts'

/** The placeholder is another one in each turn, and the same in each life of it. Ring 0 makes it in the same way (vault/placeholder.ts). */
export function secretHandle(salt: string, name: string): SecretHandle {
  const placeholder = `vigil-secret.${name}.${hash('sha256', `secret\n${salt}\n${name}`).slice(0, 32)}`
  return { name, toString: () => placeholder, toJSON: () => placeholder }
}
