import type { ErrorCode, RecordedError, ThrownError } from '@vigil/protocol'
import { asJson } from './json-value.ts'

/**
 * Errors on both sides of the wire: what the author catches, and what core is told was thrown. An error crosses as
 * data and is known by its `code`, so foreign errors keep theirs.
 */
export interface AgentError extends Error {
  readonly code: string
  /** Whether the same call, made again at once, may go well. */
  readonly retryable: boolean
  readonly help?: string
  readonly details?: unknown
}

export function agentError(code: ErrorCode, message: string, help?: string): AgentError {
  return restoredError({ code, message, ...(help === undefined ? {} : { help }) })
}

/** The error of a reply. A step's own error keeps the name and code that the author gave it. */
export function restoredError({ code, message, help, details }: RecordedError): AgentError {
  const own = (details as { thrown?: { name?: string; code?: string } } | undefined)?.thrown
  const error = new Error(message)
  if (own?.name !== undefined) error.name = own.name
  return Object.assign(error, {
    code: own?.code ?? code,
    retryable: false,
    ...(help === undefined ? {} : { help }),
    ...(details === undefined ? {} : { details }),
  })
}

/** Anything that was thrown, as data. */
export function thrownError(thrown: unknown): ThrownError {
  if (!(thrown instanceof Error) && !(typeof thrown === 'object' && thrown !== null && 'message' in thrown)) {
    return { message: `the agent threw what is no Error: ${String(thrown)}` }
  }
  const { name, message, code, stack, retry, details } = thrown as Error & Record<string, unknown>
  const plain = details === undefined ? undefined : asJson(details)
  return {
    message: String(message),
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof stack === 'string' ? { stack } : {}),
    ...(typeof retry === 'boolean' ? { retry } : {}),
    ...(plain === undefined ? {} : { details: plain }),
  }
}

const zombies = new WeakSet<Error>()

/** Rejects what a turn still does after its end. */
export function abortedError(turn: string, reason: string): AgentError {
  const error = agentError('ABORTED', `turn ${turn} is over: ${reason}`, 'Await every call before run() returns, and end when ctx.signal aborts.')
  zombies.add(error)
  return error
}

/** True for rejections that only say that a turn is over: nobody has to handle them. */
export const isEcho = (reason: unknown): boolean => reason instanceof Error && zombies.has(reason)
