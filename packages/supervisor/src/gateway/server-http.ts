import {
  type FetchLike,
  type JSONRPCMessage,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client'
import { type Clock, limits } from '@vigil/protocol'
import { fetch } from 'undici'
import { destinationOf } from './destination.ts'
import { egress } from './egress.ts'
import type { LaneAddress } from './messages.ts'
import type { Resolver } from './pinned-connector.ts'

export interface HttpTransport {
  readonly transport: Transport
  /** Says goodbye to the server, and leaves no socket open. */
  end(): Promise<void>
}

export interface HttpTransportOptions {
  readonly clock: Clock
  readonly ownPorts: ReadonlySet<number>
  readonly resolver?: Resolver | undefined
  /** The answer to this request will not come. */
  readonly unanswered: (id: string | number) => void
}

const socketsOfServer = 16
const goodbyeMs = 500
/** A stream that breaks is asked for what is missing, if the server keeps that. */
const reconnectionOptions = {
  initialReconnectionDelay: 300,
  maxReconnectionDelay: 2_000,
  reconnectionDelayGrowFactor: 2,
  maxRetries: 2,
}

/** Streamable HTTP over sockets that reach this server and nothing else, and put secrets in the place of their placeholders. */
export function httpTransport(
  { url, headers, secrets }: Extract<LaneAddress, { kind: 'http' }>,
  { clock, ownPorts, resolver, unanswered }: HttpTransportOptions,
): HttpTransport {
  const allow = [allowedBy(new URL(url))]
  const sockets = egress({ ownPorts, resolver, socketsPerOrigin: socketsOfServer })

  const pinned: FetchLike = async (target, init = {}) => {
    const destination = destinationOf(String(target), allow)
    const sent = Object.fromEntries(new Headers(init.headers))
    const leave = sockets.begin(destination, { headers: sent, secrets })
    try {
      const response = await fetch(String(target), {
        method: init.method ?? 'GET',
        headers: leave.headers,
        dispatcher: leave.dispatcher,
        redirect: 'manual',
        signal: init.signal ?? null,
        ...(typeof init.body === 'string' ? { body: init.body } : {}),
      })
      const body = response.body?.pipeThrough(bounded(response.headers.get('content-type')) as never) ?? null
      return new Response(body as ReadableStream | null, {
        status: response.status,
        statusText: response.statusText,
        headers: Object.fromEntries(response.headers),
      })
    } finally {
      leave.end()
    }
  }

  const transport = new StreamableHTTPClientTransport(new URL(url), {
    fetch: pinned,
    requestInit: { headers },
    reconnectionOptions,
  })
  return {
    transport: watched(transport, unanswered),
    async end() {
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const timer = clock.setTimer(goodbyeMs, resolve)
      await Promise.race([transport.terminateSession().catch(() => undefined), late])
      timer.cancel()
      await transport.close().catch(() => undefined)
      await sockets.close()
    },
  }
}

/** Who names a port means what listens there, also in this network. */
const allowedBy = ({ hostname, port }: URL): string => (port === '' ? hostname : `${hostname}:${port}`)

/** The same, but for what `undefined` means in it. */
type InnerOptions = Parameters<StreamableHTTPClientTransport['send']>[1]

/** A stream may end without the answer to the request that it was opened for, and nobody would say so. */
function watched(inner: StreamableHTTPClientTransport, unanswered: (id: string | number) => void): Transport {
  const open = new Set<string | number>()
  const outer: Transport = {
    hasPerRequestStream: true,
    get sessionId() {
      return inner.sessionId
    },
    setProtocolVersion: (version) => inner.setProtocolVersion(version),
    async start() {
      inner.onclose = () => outer.onclose?.()
      inner.onerror = (error) => outer.onerror?.(error)
      inner.onmessage = (message: JSONRPCMessage) => {
        if (!('method' in message) && message.id !== undefined) open.delete(message.id)
        outer.onmessage?.(message)
      }
      await inner.start()
    },
    async send(message, options) {
      if (!('id' in message && 'method' in message)) return await inner.send(message, options as InnerOptions)
      const { id } = message
      open.add(id)
      const ended = (): void => {
        options?.onRequestStreamEnd?.()
        if (open.delete(id)) unanswered(id)
      }
      await inner.send(message, { ...options, onRequestStreamEnd: ended } as InnerOptions)
    },
    close: () => inner.close(),
  }
  return outer
}

/** An event, or a whole answer that is none, is as long as a message may be. */
function bounded(contentType: string | null): TransformStream<Uint8Array, Uint8Array> {
  const isStream = contentType?.includes('event-stream') === true
  let since = 0
  return new TransformStream({
    transform(chunk, controller) {
      const blank = isStream ? lastBlankLine(chunk) : -1
      since = blank === -1 ? since + chunk.byteLength : chunk.byteLength - blank
      if (since > limits.serverMessageBytes)
        controller.error(new RangeError(`it sent more than ${limits.serverMessageBytes} bytes at once`))
      else controller.enqueue(chunk)
    },
  })
}

function lastBlankLine(chunk: Uint8Array): number {
  for (let at = chunk.lastIndexOf(0x0a); at > 0; at = chunk.lastIndexOf(0x0a, at - 1))
    if (chunk[at - 1] === 0x0a || (chunk[at - 1] === 0x0d && chunk[at - 2] === 0x0a)) return at
  return -1
}
