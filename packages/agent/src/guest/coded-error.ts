import type { RecordedError } from '@vigil/protocol'

/** An error that crossed from core, rebuilt for agent code: recognise it by `code`. */
export interface CodedError extends Error {
  code: string
  help?: string
  details?: unknown
  retryable?: boolean
  /** false: no other attempt would help. */
  retry?: boolean
}

const retryable = new Set([
  'MAILBOX_FULL',
  'FETCH_FAILED',
  'FETCH_TIMEOUT',
  'STOPPING',
  'TURN_TIMEOUT',
  'REQUEST_TIMEOUT',
  'STEP_TIMEOUT',
  'TOOL_TIMEOUT',
  'MODEL_UNAVAILABLE',
  'MODEL_RATE_LIMITED',
  'MODEL_TIMEOUT',
  'MODEL_MALFORMED',
  'OUTPUT_INVALID',
  'SERVER_UNAVAILABLE',
])
/** Another attempt would meet the same. */
const hopeless = new Set(['TOO_MANY_EFFECTS'])

export function codedError(body: Pick<RecordedError, 'code' | 'message'> & Partial<RecordedError>): CodedError {
  return Object.assign(new Error(body.message), {
    code: body.code,
    retryable: retryable.has(body.code),
    ...(hopeless.has(body.code) ? { retry: false } : {}),
    ...(body.help === undefined ? {} : { help: body.help }),
    ...(body.details === undefined ? {} : { details: body.details }),
  })
}

/** Anything that was thrown, as it may cross to core. */
export function thrownError(thrown: unknown): {
  name?: string
  message: string
  code?: string
  stack?: string
  retry?: boolean
  details?: unknown
} {
  if (typeof thrown !== 'object' || thrown === null) return { message: String(thrown).slice(0, longest) }
  const { name, message, code, stack, retry, details } = thrown as Record<string, unknown>
  return {
    message: typeof message === 'string' ? message.slice(0, longest) : 'a value without a message was thrown',
    ...(typeof name === 'string' ? { name: name.slice(0, longestName) } : {}),
    ...(typeof code === 'string' ? { code: code.slice(0, longestName) } : {}),
    ...(typeof stack === 'string' ? { stack: stack.slice(0, longest) } : {}),
    ...(typeof retry === 'boolean' ? { retry } : {}),
    ...(canCross(details) ? { details } : {}),
  }
}

/** An error is recorded and shown to people: what is longer helps nobody and could not be sent. */
const longest = 8_000
const longestName = 200
const longestDetails = 64_000

function canCross(details: unknown): boolean {
  if (details === undefined) return false
  try {
    const text = JSON.stringify(details)
    return text !== undefined && text.length <= longestDetails
  } catch {
    return false
  }
}

/** A step's error as it is sent: core records only codes of its own table, so the author's name and code ride along. */
export function thrownStep(thrown: unknown): ReturnType<typeof thrownError> {
  const { details, ...error } = thrownError(thrown)
  const { name, code } = error
  return {
    ...error,
    details: {
      thrown: { ...(name === undefined ? {} : { name }), ...(code === undefined ? {} : { code }) },
      ...(details === undefined ? {} : { details }),
    },
  }
}

/** A step's error from the record, with the name, code and details that it was thrown with. */
export function stepError(recorded: RecordedError): CodedError {
  const own = recorded.details as { thrown?: { name?: string; code?: string }; details?: unknown } | undefined
  if (own?.thrown === undefined) return codedError(recorded)
  const { details: _carried, ...body } = recorded
  const { name, code } = own.thrown
  return Object.assign(
    codedError({
      ...body,
      ...(code === undefined ? {} : { code }),
      ...(own.details === undefined ? {} : { details: own.details }),
    }),
    name === undefined ? {} : { name },
  )
}

const echoes = new WeakSet<object>()

/** Rejects what a turn or step still does when it is over. */
export function abortedError(what: string, reason: string): CodedError {
  const error = codedError({
    code: 'ABORTED',
    message: `${what} is over: ${reason}`,
    help: 'Await every call before run() returns, and end when ctx.signal aborts.',
  })
  echoes.add(error)
  return error
}

/** True for rejections that say only that a turn is over: nobody has to handle them. */
export const isEcho = (reason: unknown): boolean => typeof reason === 'object' && reason !== null && echoes.has(reason)
