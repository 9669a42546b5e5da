import { type HttpClient, limits } from '@vigil/protocol'
import { destinationOf } from '../../gateway/destination.ts'
import type { OutsideEffect } from '../effect.ts'

const defaultTimeoutMs = 30_000
const repeatableMethods = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])
const keyedMethods = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

const repeatable = ({
  idempotent,
  method,
}: {
  readonly idempotent?: boolean | undefined
  readonly method: string
}): boolean => idempotent === true || repeatableMethods.has(method)

/** `ctx.fetch`: only to hosts that network.allow names; redirects are the guest's to follow, one call each. */
export function fetchEffect(http: HttpClient): OutsideEffect<'fetch'> {
  return {
    // What is refused here is on record without an intent; the gateway asks again, and sees addresses.
    decide: ({ process }, { url }) => void destinationOf(url, process.manifest.network.allow),
    intent: (_site, { method, url }) => ({ method, url }),
    repeatable,
    keyed: (input) => keyedMethods.has(input.method),
    rerun: (input) => input.method === 'GET' || input.method === 'HEAD',
    async act({ process }, input, idempotencyKey) {
      const reply = await http.send(
        {
          method: input.method,
          url: input.url,
          headers:
            idempotencyKey === undefined ? input.headers : { 'idempotency-key': idempotencyKey, ...input.headers },
          ...(input.body === undefined ? {} : { body: Buffer.from(input.body, 'base64') }),
          timeoutMs: input.timeout_ms ?? defaultTimeoutMs,
          maxBodyBytes: limits.bodyBytes,
          allow: process.manifest.network.allow,
          repeatable: repeatable(input),
        },
        // Not the turn's signal: an effect that has begun runs on and is recorded at its real outcome.
        new AbortController().signal,
      )
      return {
        status: reply.status,
        statusText: reply.statusText,
        headers: reply.headers,
        body: Buffer.from(reply.body).toString('base64'),
      }
    },
  }
}
