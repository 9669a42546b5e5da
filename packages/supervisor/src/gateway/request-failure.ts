import { type ErrorCode, type HttpRequest, VigilError } from '@vigil/protocol'

/** Names the other side without its query, which may carry what no log should hold. */
export function requestFailure(
  { method, url }: Pick<HttpRequest, 'method' | 'url'>,
  code: ErrorCode,
  reason: string,
  cause?: unknown,
): VigilError {
  const target = URL.canParse(url) ? new URL(url) : undefined
  const where = target === undefined ? 'of an invalid URL' : target.origin + target.pathname
  return new VigilError(code, `${method} ${where}: ${reason}`, { cause })
}
