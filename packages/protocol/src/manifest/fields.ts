import { z } from 'zod'
import { processNamePattern } from '../ids.ts'
import { longestAgeMs, parseDuration } from './duration.ts'

/** The kinds of fields that manifests and the configuration are made of. The message of each check says what was expected, as a noun: problems.ts makes "expected X, found Y" of it. */
export const text = (words: string) => z.string({ error: words }).min(1, { error: words })
export const flag = (fallback: boolean) => z.boolean({ error: 'true or false' }).default(fallback)

export const atLeast = (minimum: number, fallback: number) => {
  const error = `a whole number, ${minimum} or more`
  return z.int({ error }).min(minimum, { error }).default(fallback)
}

/** Milliseconds inside; a default is written as in a manifest, so that both read alike. */
export const duration = (fallback: string, minimumMs = 0) => durationOf(minimumMs).prefault(fallback)

/** The same without a default. */
export const durationOf = (minimumMs = 0) => {
  const error = `a duration such as 30s${minimumMs > 0 ? `, ${minimumMs} ms or more` : ''}`
  return z
    .union([z.string(), z.number()], { error })
    .refine((value) => (parseDuration(value) ?? -1) >= minimumMs, { error })
    .transform((value) => parseDuration(value) as number)
}

/** How old something may become: unlike a wait, it may be years. */
export const age = (fallback: string) => {
  const error = 'an age such as 30d'
  return z
    .union([z.string(), z.number()], { error })
    .refine((value) => parseDuration(value, longestAgeMs) !== undefined, { error })
    .transform((value) => parseDuration(value, longestAgeMs) as number)
    .prefault(fallback)
}

/** How often something may happen, such as `30/1h`: at most 30 within any hour. */
export const rate = () => {
  const error = 'a rate such as 30/1h'
  return z
    .string({ error })
    .refine((value) => parseRate(value) !== undefined, { error })
    .transform((value) => parseRate(value) as { count: number; per_ms: number })
}

function parseRate(text: string): { count: number; per_ms: number } | undefined {
  const [count = '', per, ...rest] = text.split('/')
  const perMs = per === undefined || rest.length > 0 ? undefined : parseDuration(/^[a-z]/.test(per) ? `1${per}` : per)
  return /^[1-9]\d{0,5}$/.test(count) && perMs !== undefined && perMs > 0
    ? { count: Number(count), per_ms: perMs }
    : undefined
}

export const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, { error: `one of ${words.join(', ')}` })

export const name = z
  .string({ error: 'a name: a letter, then up to 63 letters, digits, _ or -' })
  .regex(processNamePattern, {
    error: 'a name: a letter, then up to 63 letters, digits, _ or -',
  })
export const section = { error: 'a section of fields' }

export const secretWords = 'a reference such as ${ALERT_SECRET}, or { file: /path }'
const variable = z.string({ error: secretWords }).regex(/^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/, { error: secretWords })
/** What stands behind `:-` goes on record with the manifest: it is a value for want of a secret, and none itself. */
export const variableOrDefault = (error: string) =>
  z.string({ error }).regex(/^\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}$/, { error })
/** A secret is named and never written down: the manifest goes on record. */
export const secretReference = z.union(
  [variable, z.strictObject({ file: text('the path of a file that holds the secret') }, { error: secretWords })],
  { error: secretWords },
)
