import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Clock } from '@vigil/protocol'
import type { Delivery } from './delivery.ts'
import { failureBody, failureHeaders } from './failure.ts'
import type { FakeFailure } from './reply.ts'
import type { FakeBill, OpenRequest } from './request.ts'

const json = { 'content-type': 'application/json' }

export interface Exchange {
  readonly request: OpenRequest
  readonly response: ServerResponse
}

/** From now on the request is over when the client hangs up, if nothing else ends it before. */
export function watchClient({ request, response }: Exchange): void {
  response.on('close', () => {
    request.ended ??= 'abandoned'
  })
}

export function sendFailure({ request, response }: Exchange, failure: FakeFailure): void {
  request.ended ??= 'failed'
  response.writeHead(failure.status, { ...json, ...failureHeaders(failure) }).end(JSON.stringify(failureBody(failure)))
}

export function sendJson({ request, response }: Exchange, body: object, billed: FakeBill): void {
  request.ended ??= 'answered'
  request.billed = billed
  response.writeHead(200, json).end(JSON.stringify(body))
}

/** Writes part by part, each billed as it is written, until it is done or the client has hung up. */
export async function send(
  { request, response }: Exchange,
  delivery: Delivery,
  pause: () => Promise<void>,
): Promise<void> {
  response.writeHead(200, { 'content-type': delivery.contentType })
  for (const [at, { text, output }] of delivery.parts.entries()) {
    if (at > 0) await pause()
    if (response.destroyed) return
    request.billed = { calls: 1, input: delivery.input, output }
    if (!response.write(text)) await drained(response)
  }
  if (delivery.end === 'hang' || response.destroyed) return
  request.ended ??= delivery.whole ? 'answered' : 'cut'
  if (delivery.end === 'end') response.end()
  // What was written is on its way before the socket goes.
  else response.write('', () => response.destroy())
}

/** Resolves also when the client hangs up. */
async function drained(response: ServerResponse): Promise<void> {
  const over = new AbortController()
  await Promise.race([once(response, 'drain', over), once(response, 'close', over)])
  over.abort()
}

/** Resolves after so many milliseconds, or at once where nobody asked for any, and when the client hangs up. */
export function pausing(clock: Clock, response: ServerResponse, ms: number | undefined): () => Promise<void> {
  if (ms === undefined) return () => Promise.resolve()
  return () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = clock.setTimer(ms, resolve)
    response.once('close', resolve)
    return promise.finally(() => {
      timer.cancel()
      response.off('close', resolve)
    })
  }
}
