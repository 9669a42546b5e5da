import { VigilError } from '@vigil/protocol'
import type { z } from 'zod'
import type { Caller } from './callers.ts'
import type { RuntimeSurface } from './runtime-surface.ts'

/** What each route of the table does. Thrown errors become replies in handler.ts. */
export interface Call {
  readonly s: RuntimeSurface
  readonly request: Request
  /** The body as it left the socket, where the server knows it: for whoever zeroes what it reads. */
  readonly incoming?: AsyncIterable<Uint8Array> | undefined
  readonly caller: Caller
  readonly query: URLSearchParams
  /** A part of the path, decoded. */
  readonly part: (name: string) => string
}

export type Answer = (call: Call) => Promise<Response> | Response

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
}

/** A body in the form that the route asks for. @throws UNKNOWN_FIELD · INVALID_CONFIG naming every place */
export function checked<T>(schema: z.ZodType<T>, value: unknown, form: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const details = parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }))
  const code = issue?.code === 'unrecognized_keys' ? 'UNKNOWN_FIELD' : 'INVALID_CONFIG'
  throw new VigilError(code, `expected ${form}, found: ${issue?.message}`, { details })
}

/** Without the keys that are undefined, so that an absent option stays absent. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never
}
