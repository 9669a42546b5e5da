import type { Server } from 'node:http'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { VigilError } from '@vigil/protocol'
import type { Token } from './callers.ts'
import { isLoopback, loopbackHosts } from './guard.ts'
import { createHandler, createHooksHandler, type Handler } from './handler.ts'
import { washedBody } from './parser-wash.ts'
import type { RuntimeSurface } from './runtime-surface.ts'

export interface ServeOptions {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 9100; 0 picks a free one. */
  readonly port?: number
  /** undefined: no token is asked for; only accepted on a loopback host. */
  readonly token: string | undefined
  /** Those of the configuration, beside it. */
  readonly tokens?: readonly Token[]
  readonly onError?: (error: unknown) => void
}

export interface Listener {
  readonly url: string
  readonly port: number
  /** Takes no new calls, lets open ones end for a second, then cuts them. */
  close(): Promise<void>
}

/** Also for the body: a caller that sends it drop by drop is cut off. */
const requestMs = 30_000
/** Each may hold a body of 1 MB in memory. */
const mostConnections = 1_000
const graceMs = 1_000

/**
 * Listens for REST calls.
 * @throws PORT_IN_USE · INVALID_ARGUMENT for a host that this machine does not have, or one that is open to others without a token ·
 * INVALID_STATE without a token while an agent has permissions by which it would reach it
 */
export async function serve(
  s: RuntimeSurface,
  { host = '127.0.0.1', port = 9_100, token, tokens = [], onError }: ServeOptions,
): Promise<Listener> {
  const loopback = isLoopback(host)
  if (token === undefined && !loopback) {
    throw new VigilError(
      'INVALID_ARGUMENT',
      `expected a token for the listener on ${host}, found none; only loopback may go without`,
    )
  }
  const handler = createHandler(s, {
    token,
    tokens,
    ...(loopback ? { hosts: [...new Set([...loopbackHosts, host])] } : {}),
    ...(onError === undefined ? {} : { onError }),
  })
  return await guarded(s, await listenFor(handler, { host, port }), { isOpen: token === undefined })
}

/**
 * Listens for webhooks and nothing else, on a host that may be open to the world: each hook says itself who may call it.
 * @throws PORT_IN_USE · INVALID_ARGUMENT for a host that this machine does not have
 */
export async function serveHooks(
  s: RuntimeSurface,
  { host = '127.0.0.1', port = 9_100, token, onError }: ServeOptions,
): Promise<Listener> {
  const handler = createHooksHandler(s, { token, ...(onError === undefined ? {} : { onError }) })
  return await guarded(s, await listenFor(handler, { host, port }))
}

/** What listens here would take a call of an agent for one of this machine's own people. */
async function guarded(
  s: RuntimeSurface,
  listener: Listener,
  options?: { readonly isOpen: boolean },
): Promise<Listener> {
  let unguard: () => void
  try {
    unguard = s.guardPort(listener.port, options)
  } catch (error) {
    await listener.close()
    throw error
  }
  return {
    ...listener,
    async close() {
      await listener.close()
      unguard()
    },
  }
}

async function listenFor(
  handler: Handler,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listener> {
  const fetch = (request: Request, { incoming }: HttpBindings) =>
    handler(request, { remote: incoming.socket.remoteAddress, incoming: washedBody(incoming) })
  const serverOptions = { requestTimeout: requestMs, headersTimeout: requestMs }
  const server = createAdaptorServer({
    fetch: fetch as (request: Request, env: unknown) => Promise<Response>,
    hostname: host,
    serverOptions,
  }) as Server
  server.maxConnections = mostConnections
  await listen(server, host, port)
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`, port: bound, close: () => close(server) }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => {
      const place = `${host}:${port}`
      if (error.code === 'EADDRINUSE') {
        reject(
          new VigilError(
            'PORT_IN_USE',
            `expected ${place} to be free, found it in use; choose another --port (0 picks a free one)`,
          ),
        )
      } else {
        reject(new VigilError('INVALID_ARGUMENT', `cannot listen on ${place}: ${error.message}`, { cause: error }))
      }
    }
    server.once('error', refuse)
    server.listen(port, host, () => {
      server.off('error', refuse)
      resolve()
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
}
