import {
  type ErrorCode,
  errorCode,
  type HttpClient,
  type HttpReply,
  type HttpRequest,
  VigilError,
} from '@vigil/protocol'
import { Agent, fetch, type Headers, type RequestInit } from 'undici'

/**
 * Requests that leave the house, with the semantics of the web's fetch and three differences: redirects are
 * answers, cookies are nobody's, and a body is never read further than its cap. One total deadline covers
 * connect, headers and body; a request is sent once and never repeated here.
 */

/** One slow origin must not take all sockets of this process. */
const socketsPerOrigin = 64
/** A socket to a host that swallows packets outlives the request that gave up on it, but not for long. */
const connectTimeoutMs = 30_000

/** A client on real sockets. `close` ends what is under way (FETCH_FAILED) and leaves no socket open. */
export function httpClient(): HttpClient {
  // The total deadline of the request covers headers and body, so undici's own are off: one cause, one error.
  const agent = new Agent({
    connections: socketsPerOrigin,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: connectTimeoutMs },
  })
  let closing: Promise<void> | undefined

  return {
    async send(request, signal) {
      if (closing !== undefined) throw failed(request, 'FETCH_FAILED', 'the client is closed')
      if (signal.aborted) throw failed(request, 'FETCH_FAILED', 'the caller gave up before it was sent')
      const stop = new AbortController()
      const giveUp = (): void => stop.abort(failed(request, 'FETCH_FAILED', 'the caller gave up'))
      const timer = setTimeout(
        () => stop.abort(failed(request, 'FETCH_TIMEOUT', `no whole answer within ${request.timeoutMs} ms`)),
        request.timeoutMs,
      )
      signal.addEventListener('abort', giveUp, { once: true })
      try {
        return await exchange(request, { dispatcher: agent, signal: stop.signal })
      } catch (error) {
        if (stop.signal.aborted) throw stop.signal.reason
        throw errorCode(error) === undefined ? failed(request, 'FETCH_FAILED', reasonOf(error), error) : error
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', giveUp)
        // Lets go of a connection whose body was not read to its end.
        stop.abort()
      }
    },
    close() {
      closing ??= agent.destroy()
      return closing
    },
  }
}

async function exchange(request: HttpRequest, init: RequestInit): Promise<HttpReply> {
  const { method, url, headers, body } = request
  const response = await fetch(url, {
    ...init,
    method,
    headers: { ...headers },
    redirect: 'manual',
    ...(body === undefined ? {} : { body }),
  })
  const chunks: Uint8Array[] = []
  let bytes = 0
  // Counted after decompression: a small archive of a large body is a large body.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > request.maxBodyBytes) {
      throw failed(request, 'TOO_LARGE', `the reply is longer than ${request.maxBodyBytes} bytes`)
    }
    chunks.push(chunk)
  }
  const { status, statusText } = response
  return { status, statusText, headers: joined(response.headers), body: new Uint8Array(Buffer.concat(chunks, bytes)) }
}

/** The iterator of Headers gives each set-cookie on its own; everything else is joined already. */
function joined(headers: Headers): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of headers) flat[name] = flat[name] === undefined ? value : `${flat[name]}, ${value}`
  return flat
}

/** Names the other side without its query, which may carry what no log should hold. */
function failed({ method, url }: HttpRequest, code: ErrorCode, reason: string, cause?: unknown): VigilError {
  const target = URL.canParse(url) ? new URL(url) : undefined
  return new VigilError(
    code,
    `${method} ${target === undefined ? 'of an invalid URL' : target.origin + target.pathname}: ${reason}`,
    { cause },
  )
}

/** fetch says "fetch failed" and hides the reason in a chain of causes, some of them lists. */
function reasonOf(error: unknown): string {
  let inner = error
  for (let depth = 0; depth < 5; depth++) {
    const { cause, errors } = inner as { cause?: unknown; errors?: readonly unknown[] }
    const next = cause ?? errors?.[0]
    if (next === undefined) break
    inner = next
  }
  const { message, code } = inner as { message?: string; code?: string }
  return message || code || String(inner)
}
