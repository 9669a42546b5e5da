import { type CallToolResult, ProtocolError, SdkError } from '@modelcontextprotocol/client'
import { type ErrorCode, errorCode, limits, type ServerToolResult, VigilError } from '@vigil/protocol'
import { reasonOf, systemCode } from './failure-cause.ts'

/** What a record keeps of the result of a tool. @throws TOO_LARGE */
export function toolResult({ content, structuredContent, isError }: CallToolResult): ServerToolResult {
  const texts = content.flatMap((part) => (part.type === 'text' ? [part.text] : []))
  const other = content.flatMap((part) => {
    if (part.type === 'text') return []
    const uri = part.type === 'resource' ? part.resource.uri : part.type === 'resource_link' ? part.uri : undefined
    const bytes = Buffer.byteLength(JSON.stringify(part))
    return [{ type: part.type, bytes, ...(uri === undefined ? {} : { uri: uri.slice(0, 2_000) }) }]
  })
  const result: ServerToolResult = {
    content: texts.join('\n'),
    ...(structuredContent === undefined ? {} : { structured: structuredContent }),
    ...(other.length === 0 ? {} : { other }),
    ...(isError === true ? { is_error: true } : {}),
  }
  const bytes = Buffer.byteLength(JSON.stringify(result))
  if (bytes <= limits.resultBytes) return result
  throw new VigilError('TOO_LARGE', `the tool gave ${bytes} bytes, at most ${limits.resultBytes} are taken`)
}

/** How a call failed. `ends`: its connection is good for nothing more. */
export interface CallFailure {
  readonly code: ErrorCode
  readonly message: string
  readonly ends: boolean
}

/** The request cannot have come to anybody. */
const unsent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])
const invalidParams = -32602

export function callFailure(error: unknown): CallFailure {
  if (error instanceof ProtocolError) {
    const code = error.code === invalidParams ? 'TOOL_INPUT_INVALID' : 'SERVER_FAILED'
    return { code, message: `the server answered the call with an error: ${error.message}`, ends: false }
  }
  const own = errorCode(error)
  if (own === 'TOO_LARGE') return { code: own, message: (error as Error).message, ends: false }
  const reason = reasonOf(error)
  const status = error instanceof SdkError ? (error as { readonly status?: unknown }).status : undefined
  // 404 is said of a session that the server has forgotten.
  const isRefused = typeof status === 'number' && status >= 400 && status < 500
  if (own !== undefined || isRefused || unsent.has(systemCode(error) ?? ''))
    return { code: 'SERVER_UNAVAILABLE', message: `the server did not take the call: ${reason}`, ends: true }
  return { code: 'SERVER_FAILED', message: `the call broke, and may have been done: ${reason}`, ends: true }
}
