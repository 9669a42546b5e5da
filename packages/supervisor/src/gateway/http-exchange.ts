import { type Clock, type HttpReply, type HttpRequest, VigilError } from '@vigil/protocol'
import { fetch, type Headers, type RequestInit } from 'undici'
import { type Redaction, redaction } from '../vault/redaction.ts'
import { type Destination, destinationOf } from './destination.ts'
import { egress } from './egress.ts'
import { codedCause, reasonOf } from './failure-cause.ts'
import type { Resolver } from './pinned-connector.ts'
import { requestFailure } from './request-failure.ts'
import { swapHeader } from './secret-swap.ts'

/**
 * Requests that leave the house, with the semantics of the web's fetch and three differences: redirects are
 * answers, cookies are nobody's, and a body is never read further than its cap. One total deadline covers
 * connect, headers and body; a request is sent once and never repeated here.
 */
export interface HttpExchange {
  send(request: HttpRequest, options: SendOptions): Promise<HttpReply>
  /** Ends what is under way and leaves no socket open. */
  close(): Promise<void>
}

export interface SendOptions {
  readonly signal: AbortSignal
  /** What is left of the total time of the request. */
  readonly leftMs: number
}

export interface ExchangeOptions {
  readonly clock: Clock
  readonly ownPorts: ReadonlySet<number>
  readonly resolver?: Resolver | undefined
}

/** One slow origin must not take all sockets of this process. */
const socketsPerOrigin = 64

export function httpExchange({ clock, ownPorts, resolver }: ExchangeOptions): HttpExchange {
  const sockets = egress({ ownPorts, resolver, socketsPerOrigin })

  return {
    async send(request, { signal, leftMs }) {
      const destination = destinationOf(request.url, request.allow)
      refuseForeignHost(request, destination)
      const stop = new AbortController()
      const giveUp = (): void => stop.abort(requestFailure(request, 'FETCH_FAILED', 'the caller gave up'))
      const timer = clock.setTimer(leftMs, () =>
        stop.abort(requestFailure(request, 'FETCH_TIMEOUT', `no whole answer within ${request.timeoutMs} ms`)),
      )
      signal.addEventListener('abort', giveUp, { once: true })
      const { secrets = [] } = request
      const clean = redaction(secrets)
      const leave = sockets.begin(destination, { headers: request.headers, body: request.body, secrets })
      try {
        const init = { dispatcher: leave.dispatcher, signal: stop.signal }
        return redacted(await exchange({ ...request, headers: leave.headers }, init), clean)
      } catch (error) {
        if (stop.signal.aborted) throw stop.signal.reason
        throw codedCause(error) ?? requestFailure(request, 'FETCH_FAILED', reasonOf(error), error)
      } finally {
        timer.cancel()
        leave.end()
        clean.end()
        signal.removeEventListener('abort', giveUp)
        // Lets go of a connection whose body was not read to its end.
        stop.abort()
      }
    },
    close: sockets.close,
  }
}

const redacted = ({ status, statusText, headers, body }: HttpReply, clean: Redaction): HttpReply => ({
  status,
  statusText: clean.text(statusText),
  headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [clean.text(name), clean.text(value)])),
  body: clean.bytes(body),
})

/** Behind one address may sit many hosts, and the header chooses among them. */
function refuseForeignHost({ headers }: HttpRequest, { url }: Destination): void {
  const host = Object.entries(headers).find(([name]) => name.toLowerCase() === 'host')?.[1]
  if (Object.keys(headers).some((name) => name.toLowerCase() === swapHeader))
    throw new VigilError('INVALID_ARGUMENT', `fetch may not send the header ${swapHeader}`)
  if (host !== undefined && host.toLowerCase() !== url.host)
    throw new VigilError('NETWORK_DENIED', `fetch to ${url.host} may not ask for another host in its header`)
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
    if (bytes > request.maxBodyBytes)
      throw requestFailure(request, 'TOO_LARGE', `the reply is longer than ${request.maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  const { status, statusText } = response
  return { status, statusText, headers: joined(response.headers), body: whole(chunks, bytes) }
}

/** In memory of its own, which can be handed over. */
function whole(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const body = new Uint8Array(bytes)
  let offset = 0
  for (const chunk of chunks) {
    body.set(chunk, offset)
    offset += chunk.byteLength
  }
  return body
}

/** The iterator of Headers gives each set-cookie on its own; everything else is joined already. */
function joined(headers: Headers): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of headers) flat[name] = flat[name] === undefined ? value : `${flat[name]}, ${value}`
  return flat
}
