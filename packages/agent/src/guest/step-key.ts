import { hash } from 'node:crypto'

/** JSON with sorted keys: equal inputs have equal texts, whoever built them. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    if (typeof (value as { toJSON?: unknown }).toJSON === 'function')
      return canonicalJson((value as { toJSON(): unknown }).toJSON())
    const members = Object.entries(value).filter(([, inner]) => inner !== undefined)
    members.sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${members.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}

/**
 * Names each effect of a turn so that a replay finds it again, in whatever order `Promise.all` starts them: kind, name and
 * a hash of the input where the input makes the effect, then the count among equals. Effects inside a step stand under it.
 */
export interface StepKeys {
  /** Named by what it does: fetch, publish, send, files. */
  byInput(scope: string, kind: string, name: string, input: unknown): string
  /** Named by its author: step, sleep. */
  byName(scope: string, kind: string, name: string): string
}

const longestName = 100

export function stepKeys(): StepKeys {
  const seen = new Map<string, number>()
  const counted = (base: string): string => {
    const count = seen.get(base) ?? 0
    seen.set(base, count + 1)
    return `${base}#${count}`
  }
  const under = (scope: string): string => (scope === '' ? '' : `${scope}/`)
  return {
    byInput: (scope, kind, name, input) =>
      counted(`${under(scope)}${kind}:${escaped(name.slice(0, longestName))}:${digest(canonicalJson(input))}`),
    byName: (scope, kind, name) =>
      counted(`${under(scope)}${kind}:${name.length > longestName ? digest(name) : escaped(name)}`),
  }
}

/** `/` and `#` are the grammar of keys, so a name may not contain them as they are. */
const escaped = (name: string): string => name.replace(/[%/#]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)

const digest = (text: string): string => hash('sha256', text).slice(0, 16)

/** A UUID-shaped key of (process, turn, step key): the other side sees the same one after a crash, and in each try of a step. */
export function idempotencyKeyOf(process: string, turn: string, key: string): string {
  const hex = hash('sha256', `${process}\n${turn}\n${key.replaceAll(/\/try:\d+(?=\/)/g, '')}`)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
