import { createHash } from 'node:crypto'
import { type BodyReference, bodyPaths, isBodyReference, type JournalRecord, type RecordDraft } from '@vigil/protocol'

/**
 * Large bodies lie beside the log, and its lines hold their hash: a line stays short for who looks through the log, and a body can
 * be taken away without touching what proves the lines. Data of users that looks like such a reference is wrapped.
 */
export interface Body {
  readonly process: string
  readonly hash: string
  /** Its JSON. */
  readonly text: string
}

/** Larger ones lie beside the log. */
const mostBytesInLine = 4_096

interface Outlined {
  /** The JSON of the record's data as its line holds it. */
  readonly text: string
  readonly body?: Body
}

/** `text`: the JSON of the draft's data. */
export function outline(draft: RecordDraft, text: string): Outlined {
  // Nearly all records are short and plain; a look at the text costs less than one at the data. A mark may stand behind other keys.
  const path = bodyPaths[draft.type]
  if (path === undefined || (text.length <= mostBytesInLine && !text.includes('"$'))) return { text }
  const value = at(draft.data, path)
  if (value === undefined) return { text }
  const json = JSON.stringify(value)
  const bytes = Buffer.byteLength(json)
  if (bytes > mostBytesInLine) {
    const hash = hashOf(json)
    const reference: BodyReference = { $blob: hash, bytes }
    const body = { process: draft.process, hash, text: json }
    return { text: JSON.stringify(replaced(draft.data, path, reference)), body }
  }
  return looksMarked(value) ? { text: JSON.stringify(replaced(draft.data, path, { $plain: value })) } : { text }
}

/** What a record as its line holds it names, or undefined. */
export function referenceIn(record: JournalRecord): BodyReference | undefined {
  const path = bodyPaths[record.type]
  const value = path === undefined ? undefined : at(record.data, path)
  return isBodyReference(value) ? value : undefined
}

/** The record with a body in the place of its reference. */
export const withBody = (record: JournalRecord, body: unknown): JournalRecord =>
  ({ ...record, data: replaced(record.data, bodyPaths[record.type] ?? [], body) }) as JournalRecord

/** The record without the wrapping of data that looks like a reference. */
export function unwrapped(record: JournalRecord): JournalRecord {
  const path = bodyPaths[record.type]
  const value = path === undefined ? undefined : at(record.data, path)
  return looksMarked(value) && '$plain' in value ? withBody(record, value.$plain) : record
}

/** The hash under which a body lies beside the log; undefined when it is so small that it stands in its line. */
export function bodyHash(value: unknown): string | undefined {
  const json = value === undefined ? '' : JSON.stringify(value)
  return Buffer.byteLength(json) > mostBytesInLine ? hashOf(json) : undefined
}

const hashOf = (json: string): string => createHash('sha256').update(json).digest('hex')

const looksMarked = (value: unknown): value is { readonly $plain?: unknown } =>
  typeof value === 'object' && value !== null && ('$plain' in value || '$blob' in value)

const at = (data: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], data)

function replaced(data: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value
  const fields = data as Record<string, unknown>
  return { ...fields, [key]: replaced(fields[key], rest, value) }
}
