import { inspect } from 'node:util'

/** Longest message and longest fields of a log line, in characters; the rest of it is cut off. */
const longest = 16_000

export const logText = (text: string): string => (text.length > longest ? `${text.slice(0, longest)}...` : text)

/** Fields of a log line as JSON. Logging never fails a turn, and shows what plain JSON would write as `{}`. */
export function logFields(fields: unknown): unknown {
  let text: string
  try {
    text = JSON.stringify(fields, readable) ?? 'null'
  } catch {
    // A cycle, or a getter that throws.
    return logText(inspected(fields))
  }
  return text.length > longest ? logText(text) : JSON.parse(text)
}

function readable(_key: string, value: unknown): unknown {
  if (value instanceof Error) {
    const { name, message, stack, cause, ...own } = value
    return {
      name,
      message,
      ...own,
      ...(cause === undefined ? {} : { cause }),
      ...(stack === undefined ? {} : { stack }),
    }
  }
  if (value instanceof Map || value instanceof Set) return [...value]
  return typeof value === 'bigint' ? String(value) : value
}

function inspected(fields: unknown): string {
  try {
    return inspect(fields)
  } catch {
    return 'fields that cannot be shown'
  }
}
