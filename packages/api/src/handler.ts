import {
  apiBase,
  errorBody,
  errorCode,
  errorTable,
  type Route,
  type RouteId,
  roleFor,
  routes,
  VigilError,
} from '@vigil/protocol'
import { Hono } from 'hono'
import { json } from './answer.ts'
import { answers } from './answers.ts'
import { type Caller, checkRole, owner } from './callers.ts'
import { type Access, checkOrigin, checkToken } from './guard.ts'
import { answerHook, type Connection, hooksBase } from './hooks.ts'
import type { RuntimeSurface } from './runtime-surface.ts'
import { seenBy } from './scope.ts'

/** The REST face as one function from Request to Response, for our listener and for any other server. */
/** Without a `token` nothing is asked of callers: only behind a guard of your own, or on loopback. */
export interface HandlerOptions extends Access {
  /** Default `/api/v1`. */
  readonly prefix?: string
  /** Host names that the listener answers to, without port; undefined: any. */
  readonly hosts?: readonly string[]
  /** Hears of errors that are no fault of the caller. */
  readonly onError?: (error: unknown) => void
}

/** `connection`: what the server knows of the caller; hooks that go by its address turn away whoever has none. */
export type Handler = (request: Request, connection?: Connection) => Promise<Response>

export function createHandler(s: RuntimeSurface, options: HandlerOptions): Handler {
  const { prefix = apiBase, hosts, onError } = options
  const app = new Hono<Served>()
  serveHooksOn(app, s, options)
  app.use(async (context, next) => {
    if (hosts !== undefined) checkOrigin(context.req.raw, hosts)
    // Whoever has no token learns not even which routes there are.
    if (context.req.path !== prefix + routes.health.path) context.set('caller', checkToken(context.req.raw, options))
    await next()
  })
  for (const [id, route] of Object.entries(routes) as [RouteId, Route][]) {
    app.on(route.method, prefix + route.path.replace(/\{(\w+)\}/g, ':$1'), (context) => {
      const { raw } = context.req
      const part = (name: string) => context.req.param(name) ?? ''
      const caller = context.get('caller') ?? owner
      if (route.public !== true) checkRole(caller, roleFor(route))
      const { incoming } = context.env
      const query = new URL(raw.url).searchParams
      return answers[id]({ s: seenBy(s, caller), request: raw, incoming, query, part, caller })
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
  app.onError((error) => failure(error, onError))
  return async (request, connection = {}) => await app.fetch(request, connection)
}

type Served = { Bindings: Connection; Variables: { caller: Caller } }

/** The hooks alone: for a listener that the world may reach. */
export function createHooksHandler(s: RuntimeSurface, options: Pick<HandlerOptions, 'token' | 'onError'>): Handler {
  const app = new Hono<Served>()
  serveHooksOn(app, s, options)
  app.notFound(() => reply(new VigilError('ROUTE_NOT_FOUND', `expected a path under ${hooksBase}, found another`)))
  app.onError((error) => failure(error, options.onError))
  return async (request, connection = {}) => await app.fetch(request, connection)
}

function serveHooksOn(app: Hono<Served>, s: RuntimeSurface, { token }: Pick<HandlerOptions, 'token'>): void {
  app.all(`${hooksBase}/*`, ({ req, env }) => answerHook(s, req.raw, { remote: env.remote, token }))
}

function failure(error: unknown, onError: HandlerOptions['onError']): Response {
  const code = errorCode(error)
  if (code === undefined || errorTable[code].kind === 'fatal') onError?.(error)
  return reply(error)
}

/** Seconds after which a caller that was turned away for now should come again. */
const retryAfter = { 'retry-after': '10' }

function reply(error: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  const code = errorCode(error) ?? 'INTERNAL'
  // The message of an unforeseen error may hold anything; it goes to the log, not to the caller.
  const body =
    errorCode(error) === undefined
      ? errorBody(new VigilError('INTERNAL', 'the supervisor failed to answer'))
      : errorBody(error)
  const { status } = errorTable[code]
  const asked = code === 'UNAUTHORIZED' ? { 'www-authenticate': 'Bearer' } : {}
  return json(
    status,
    { error: body },
    { ...asked, ...(status === 503 || status === 507 ? retryAfter : {}), ...headers },
  )
}

function allowedMethods(prefix: string, path: string): string[] {
  const shapes: Route[] = Object.values(routes)
  return shapes
    .filter((route) => new RegExp(`^${prefix}${route.path.replace(/\{\w+\}/g, '[^/]+')}$`).test(path))
    .map((route) => route.method)
}
