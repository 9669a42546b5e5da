import type { RecordedError } from '@vigil/protocol'

/** An error that crossed from core, rebuilt for agent code: recognise it by `code`. */
export interface CodedError extends Error {
  code: string
  help?: string
  details?: unknown
  retryable?: boolean
}

const retryable = new Set(['MAILBOX_FULL', 'FETCH_FAILED', 'FETCH_TIMEOUT', 'STOPPING', 'TURN_TIMEOUT'])

export function codedError(body: Pick<RecordedError, 'code' | 'message'> & Partial<RecordedError>): CodedError {
  return Object.assign(new Error(body.message), {
    code: body.code,
    retryable: retryable.has(body.code),
    ...(body.help === undefined ? {} : { help: body.help }),
    ...(body.details === undefined ? {} : { details: body.details }),
  })
}

/** Anything that was thrown, as it may cross to core. */
export function thrownError(thrown: unknown): { name?: string; message: string; code?: string; stack?: string; retry?: boolean; details?: unknown } {
  if (typeof thrown !== 'object' || thrown === null) return { message: String(thrown) }
  const { name, message, code, stack, retry, details } = thrown as Record<string, unknown>
  return {
    message: typeof message === 'string' ? message : 'a value without a message was thrown',
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof stack === 'string' ? { stack: stack.slice(0, 8_000) } : {}),
    ...(typeof retry === 'boolean' ? { retry } : {}),
    ...(isJson(details) ? { details } : {}),
  }
}

function isJson(value: unknown): boolean {
  if (value === undefined) return false
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false
  }
}
