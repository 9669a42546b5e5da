import { z } from 'zod'
import { parseDuration } from './duration.ts'

/** The kinds of fields that manifests and the configuration are made of. The message of each check says what was expected, as a noun: problems.ts makes "expected X, found Y" of it. */
export const text = (words: string) => z.string({ error: words }).min(1, { error: words })
export const flag = (fallback: boolean) => z.boolean({ error: 'true or false' }).default(fallback)

export const atLeast = (minimum: number, fallback: number) => {
  const error = `a whole number, ${minimum} or more`
  return z.int({ error }).min(minimum, { error }).default(fallback)
}

/** Milliseconds inside; a default is written as in a manifest, so that both read alike. */
export const duration = (fallback: string, minimumMs = 0) => {
  const error = `a duration such as 30s${minimumMs > 0 ? `, ${minimumMs} ms or more` : ''}`
  return z
    .union([z.string(), z.number()], { error })
    .refine((value) => (parseDuration(value) ?? -1) >= minimumMs, { error })
    .transform((value) => parseDuration(value) as number)
    .prefault(fallback)
}

export const oneOf = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z.enum(words, { error: `one of ${words.join(', ')}` })

export const name = z
  .string({ error: 'a name: a letter, then up to 63 letters, digits, _ or -' })
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, {
    error: 'a name: a letter, then up to 63 letters, digits, _ or -',
  })
export const section = { error: 'a section of fields' }
