import { type FormIndex, type Found, formIndex, type Pattern } from './form-index.ts'
import { formsOf } from './secret-forms.ts'
import { isLive, secretBytes } from './secret-page.ts'

/** A shorter one is found in innocent texts. */
const shortest = 8

/** Puts names in the place of secrets. What holds none comes back as the very same. */
export interface Redaction {
  bytes(body: Uint8Array): Uint8Array
  text(text: string): string
  /** Every string in a JSON value, also names of fields. */
  value<T>(value: T): T
}

export interface NamedSecret {
  readonly name: string
  readonly page: SharedArrayBuffer
}

/** The patterns of a secret; none of one that is not live or too short. They are zeroed by whoever asks for them. */
export function patternsOf({ name, page }: NamedSecret): Pattern[] {
  const bytes = secretBytes(page)
  if (!isLive(page) || bytes.byteLength < shortest) return []
  return formsOf(bytes).map((form) => ({ name, bytes: form }))
}

/** For secrets that are looked for once. */
export function redaction(
  secrets: readonly NamedSecret[],
): Redaction & { /** Zeroes what it looked for. */ end(): void } {
  const patterns = secrets.flatMap(patternsOf)
  const index = patterns.length === 0 ? undefined : formIndex(patterns)
  return {
    ...redactionBy(() => index),
    end() {
      index?.zero()
      for (const { bytes } of patterns) bytes.fill(0)
    },
  }
}

/** Texts are looked through here; longer ones have memory of their own for that long. */
const scratch = Buffer.allocUnsafeSlow(65_536)
/** To cross into native code costs more than a loop over so many characters. */
const briefly = 48

/** Where the text ends that was written at `at`; undefined: there is no room for it. */
function put(text: string, at: number): number | undefined {
  if (at + text.length * 3 > scratch.length) return undefined
  if (text.length > briefly) return at + scratch.write(text, at)
  for (let k = 0; k < text.length; k += 1) {
    const code = text.charCodeAt(k)
    if (code > 0x7f) return at + scratch.write(text, at)
    scratch[at + k] = code
  }
  return at + text.length
}

/** All texts of a value, one behind the other: what is in one of them is in all together. */
function putAll(value: unknown, at: number): number | undefined {
  if (typeof value === 'string') return put(value, at)
  if (typeof value !== 'object' || value === null) return at
  let end: number | undefined = at
  if (Array.isArray(value)) {
    for (const each of value) if (end !== undefined) end = putAll(each, end)
    return end
  }
  const fields = value as Readonly<Record<string, unknown>>
  for (const name of Object.keys(fields)) {
    if (end !== undefined) end = put(name, end)
    if (end !== undefined) end = putAll(fields[name], end)
  }
  return end
}

/** `index` gives what is to be found now; undefined: nothing is looked at. */
export function redactionBy(index: () => FormIndex | undefined): Redaction {
  const bytes: Redaction['bytes'] = (body) => {
    const found = index()?.find(body, body.byteLength) ?? []
    return found.length === 0 ? body : new Uint8Array(replaced(body, body.byteLength, found))
  }

  const textBy = (present: FormIndex, text: string): string => {
    // No character has more than three bytes for each of its units.
    if (text.length * 3 < shortest) return text
    const room = text.length * 3 <= scratch.length ? scratch : Buffer.allocUnsafeSlow(Buffer.byteLength(text))
    const end = room.write(text)
    const found = present.find(room, end)
    if (found.length === 0) return text
    const clean = replaced(room, end, found).toString()
    room.fill(0, 0, end)
    return clean
  }

  const valueBy = (present: FormIndex, value: unknown): unknown => {
    if (typeof value === 'string') return textBy(present, value)
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) {
      const clean = value.map((each) => valueBy(present, each))
      return clean.every((each, k) => each === value[k]) ? value : clean
    }
    let isSame = true
    const clean = Object.entries(value).map(([name, each]) => {
      const pair = [textBy(present, name), valueBy(present, each)] as const
      isSame &&= pair[0] === name && pair[1] === each
      return pair
    })
    return isSame ? value : Object.fromEntries(clean)
  }

  return {
    bytes,
    text(text) {
      const present = index()
      return present === undefined ? text : textBy(present, text)
    },
    value<T>(value: T): T {
      const present = index()
      if (present === undefined) return value
      const end = putAll(value, 0)
      if (end !== undefined && present.find(scratch, end).length === 0) return value
      return valueBy(present, value) as T
    },
  }
}

function replaced(body: Uint8Array, end: number, found: readonly Found[]): Buffer {
  const parts: Uint8Array[] = []
  let at = 0
  for (const { from, to, name } of found) {
    parts.push(body.subarray(at, from), Buffer.from(`[secret ${name}]`))
    at = to
  }
  return Buffer.concat([...parts, body.subarray(at, end)])
}
