import { addExtension } from 'msgpackr'

/**
 * MessagePack has no halves of surrogate pairs, which text that was cut in the middle of an emoji ends with, and msgpackr renames
 * a key `__proto__`. A value that would come back as another is packed as its JSON.
 */
class AsJson {
  readonly value: unknown
  constructor(value: unknown) {
    this.value = value
  }
}

addExtension({
  Class: AsJson,
  type: 0x4a,
  pack: ({ value }: AsJson) => Buffer.from(JSON.stringify(value)),
  unpack: (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString('utf8')),
})

/** What to pack, so that unpacking gives back the very same value. */
export function packable(value: unknown): unknown {
  if (survives(value)) return value
  if (Array.isArray(value)) return value.map(packable)
  if (typeof value === 'string' || !Object.keys(value as object).every(isPlain)) return new AsJson(value)
  return Object.fromEntries(Object.entries(value as object).map(([key, each]) => [key, packable(each)]))
}

function survives(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(survives)
  for (const key of Object.keys(value)) if (!isPlain(key) || !survives((value as never)[key])) return false
  return true
}

const isPlain = (key: string): boolean => key.isWellFormed() && key !== '__proto__'
