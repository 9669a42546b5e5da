import { parseDuration, VigilError } from '@vigil/protocol'

/** Query parameters, checked: a mistake is answered, never guessed around. */
export function wholeNumber(
  query: URLSearchParams,
  name: string,
  range: { readonly min: number; readonly max: number },
): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= range.min && value <= range.max) return value
  throw new VigilError(
    'INVALID_ARGUMENT',
    `${name}: expected a whole number from ${range.min} to ${range.max}, found ${JSON.stringify(text)}`,
  )
}

/** Milliseconds. */
export function duration(query: URLSearchParams, name: string, maxMs: number): number | undefined {
  return durationOf(query.get(name) ?? undefined, name, maxMs)
}

export function durationOf(text: string | undefined, name: string, maxMs: number): number | undefined {
  if (text === undefined) return undefined
  const value = parseDuration(/^\d+$/.test(text) ? Number(text) : text)
  if (value !== undefined && value <= maxMs) return value
  throw new VigilError(
    'INVALID_ARGUMENT',
    `${name}: expected a duration such as 30s, at most ${maxMs / 60_000}m, found ${JSON.stringify(text)}`,
  )
}

/** One of a closed set of words. */
export function oneOf<const Word extends string>(
  query: URLSearchParams,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  const word = words.find((each) => each === text)
  if (word !== undefined) return word
  throw new VigilError(
    'INVALID_ARGUMENT',
    `${name}: expected one of ${words.join(', ')}, found ${JSON.stringify(text)}`,
  )
}

/** `key=value` of `?label=`. */
export function label(query: URLSearchParams): { readonly key: string; readonly value: string } | undefined {
  const text = query.get('label')
  if (text === null) return undefined
  const cut = text.indexOf('=')
  if (cut > 0) return { key: text.slice(0, cut), value: text.slice(cut + 1) }
  throw new VigilError('INVALID_ARGUMENT', `label: expected key=value, found ${JSON.stringify(text)}`)
}
