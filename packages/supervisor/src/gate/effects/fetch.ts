import { type CallInput, type HttpClient, limits, VigilError } from '@vigil/protocol'
import type { OutsideEffect } from '../effect.ts'

const defaultTimeoutMs = 30_000
const repeatableMethods = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])
const keyedMethods = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/** `ctx.fetch`: only to hosts that network.allow names; redirects are the guest's to follow, one call each. */
export function fetchEffect(http: HttpClient): OutsideEffect<'fetch'> {
  return {
    decide({ process }, input) {
      const url = parse(input.url)
      const { host, hostname } = url
      const allowed = process.manifest.network.allow
      if (!allowed.includes(host) && !(url.port === '' && allowed.includes(hostname))) {
        throw new VigilError(
          'NETWORK_DENIED',
          `fetch to ${host} is not allowed; add to the manifest: network: { allow: ["${host}"] }`,
        )
      }
    },
    intent: (_site, { method, url }) => ({ method, url }),
    repeatable: (input) => input.idempotent === true || repeatableMethods.has(input.method),
    keyed: (input) => keyedMethods.has(input.method),
    rerun: (input) => input.method === 'GET' || input.method === 'HEAD',
    async act(_site, input, idempotencyKey) {
      const reply = await http.send(
        {
          method: input.method,
          url: input.url,
          headers:
            idempotencyKey === undefined ? input.headers : { 'idempotency-key': idempotencyKey, ...input.headers },
          ...(input.body === undefined ? {} : { body: Buffer.from(input.body, 'base64') }),
          timeoutMs: input.timeout_ms ?? defaultTimeoutMs,
          maxBodyBytes: limits.bodyBytes,
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

function parse(text: CallInput<'fetch'>['url']): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new VigilError(
      'INVALID_ARGUMENT',
      `fetch expects an http(s) URL, found ${JSON.stringify(text.slice(0, 200))}`,
    )
  }
  return url
}
