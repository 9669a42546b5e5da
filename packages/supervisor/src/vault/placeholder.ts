import { hash } from 'node:crypto'

/**
 * What stands for a secret in the strings of a turn: URL, headers and JSON leave its letters as they are. The guest makes it in the
 * same way. The salt is random, because a text from outside that the agent passes on could else ask for a secret.
 */
export const placeholderOf = (salt: string, name: string): string =>
  `vigil-secret.${name}.${hash('sha256', `secret\n${salt}\n${name}`).slice(0, 32)}`

/** Every placeholder in a text, also one of another turn or of a secret that nobody knows. */
export const placeholders = (text: string): readonly { readonly text: string; readonly name: string }[] =>
  [...text.matchAll(/vigil-secret\.([A-Za-z0-9_-]{1,64})\.[0-9a-f]{32}/g)].map(([whole, name = '']) => ({
    text: whole,
    name,
  }))
