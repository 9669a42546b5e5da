import { VigilError } from '@vigil/protocol'
import { json } from './answer.ts'
import { readBytes } from './body.ts'
import { isToken } from './guard.ts'
import type { RuntimeSurface } from './runtime-surface.ts'
import { hookView } from './views.ts'

/** Where senders outside find the hooks of agents: beside the REST face and not under its base. */
export const hooksBase = '/hooks'

/** What only the server knows of a request. */
export interface Connection {
  /** The address at the other end. */
  readonly remote?: string | undefined
  /** The body as it leaves the socket; without it that of the request is read. */
  readonly incoming?: AsyncIterable<Uint8Array> | undefined
}

/**
 * One request of a sender. Who may call is decided by each hook, so neither the token nor the Host of the REST face is asked
 * for here: senders come by any name that leads to this machine.
 * @throws what `deliverHook` throws · ROUTE_NOT_FOUND for anything but POST
 */
export async function answerHook(
  s: RuntimeSurface,
  request: Request,
  { remote, token }: Connection & { readonly token: string | undefined },
): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url)
  if (request.method !== 'POST')
    throw new VigilError('ROUTE_NOT_FOUND', `expected POST ${pathname}, found ${request.method}`, {
      details: { allow: ['POST'] },
    })
  const headers = Object.fromEntries(request.headers)
  const right = token !== undefined && isToken(headers.authorization ?? '', token)
  const reply = await s.deliverHook({
    method: request.method,
    path: pathname.slice(hooksBase.length),
    query: searchParams,
    headers,
    remote,
    token: token === undefined ? 'unset' : right ? 'right' : 'wrong',
    body: () => readBytes(request),
  })
  return json('challenge' in reply ? 200 : 202, hookView(reply))
}
