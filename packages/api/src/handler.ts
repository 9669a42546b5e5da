import {
  apiBase,
  errorBody,
  errorCode,
  errorTable,
  type Route,
  type RouteId,
  routes,
  VigilError,
} from '@vigil/protocol'
import { Hono } from 'hono'
import { json } from './answer.ts'
import { answers } from './answers.ts'
import { checkOrigin, checkToken } from './guard.ts'
import type { RuntimeSurface } from './runtime-surface.ts'

/** The REST face as one function from Request to Response, for our listener and for any other server. */
export interface HandlerOptions {
  /** Default `/api/v1`. */
  readonly prefix?: string
  /** What callers must bring; undefined: nothing (only behind a guard of your own, or on loopback). */
  readonly token: string | undefined
  /** Host names that the listener answers to, without port; undefined: any. */
  readonly hosts?: readonly string[]
  /** Hears of errors that are no fault of the caller. */
  readonly onError?: (error: unknown) => void
}

export type Handler = (request: Request) => Promise<Response>

export function createHandler(s: RuntimeSurface, options: HandlerOptions): Handler {
  const { prefix = apiBase, token, hosts, onError } = options
  const app = new Hono()
  app.use(async (context, next) => {
    if (hosts !== undefined) checkOrigin(context.req.raw, hosts)
    const isPublic = context.req.path === prefix + routes.health.path
    if (token !== undefined && !isPublic) checkToken(context.req.raw, token)
    await next()
  })
  for (const [id, route] of Object.entries(routes) as [RouteId, Route][]) {
    app.on(route.method, prefix + route.path.replace(/\{(\w+)\}/g, ':$1'), (context) => {
      const { raw } = context.req
      const part = (name: string) => context.req.param(name) ?? ''
      return answers[id]({ s, request: raw, query: new URL(raw.url).searchParams, part })
    })
  }
  app.notFound((context) => {
    const allow = allowedMethods(prefix, context.req.path)
    const found = `${context.req.method} ${context.req.path}`
    const message =
      allow.length === 0
        ? `expected a route of the table, found ${found}`
        : `expected ${allow.join(' or ')}, found ${found}`
    const error = new VigilError('ROUTE_NOT_FOUND', message, allow.length === 0 ? {} : { details: { allow } })
    return reply(error, allow.length === 0 ? {} : { allow: allow.join(', ') })
  })
  app.onError((error) => {
    const code = errorCode(error)
    if (code === undefined || errorTable[code].kind === 'fatal') onError?.(error)
    return reply(error)
  })
  return async (request) => await app.fetch(request)
}

function reply(error: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  const code = errorCode(error) ?? 'INTERNAL'
  // The message of an unforeseen error may hold anything; it goes to the log, not to the caller.
  const body =
    errorCode(error) === undefined
      ? errorBody(new VigilError('INTERNAL', 'the supervisor failed to answer'))
      : errorBody(error)
  return json(
    errorTable[code].status,
    { error: body },
    code === 'UNAUTHORIZED' ? { 'www-authenticate': 'Bearer', ...headers } : headers,
  )
}

function allowedMethods(prefix: string, path: string): string[] {
  const shapes: Route[] = Object.values(routes)
  return shapes
    .filter((route) => new RegExp(`^${prefix}${route.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(path))
    .map((route) => route.method)
}
