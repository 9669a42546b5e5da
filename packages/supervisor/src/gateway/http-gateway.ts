import type { HttpClient, HttpRequest, VigilError } from '@vigil/protocol'
import {
  type GatewayFailure,
  type GatewayLink,
  type GatewayOptions,
  gatewayLink,
  mostUnderWay,
} from './gateway-link.ts'
import { requestFailure } from './request-failure.ts'

export interface Gateway extends HttpClient {
  /** To the thread, for what else it does. */
  readonly link: GatewayLink
  guardPort: GatewayLink['guardPort']
}

/**
 * The mouth of egress: requests go to the gateway thread. Of one that may not be sent again nobody knows whether it has arrived when
 * the thread dies (EFFECT_IN_DOUBT).
 */
export function httpGateway(options: GatewayOptions): Gateway {
  const link = gatewayLink(options)
  return {
    link,
    guardPort: link.guardPort,
    close: link.close,
    async send(request, signal) {
      const { timeoutMs, repeatable } = request
      const answer = await link.ask(
        { message: messageOf(request), timeoutMs, repeatable, failure: (why) => failureOf(request, why) },
        signal,
      )
      if (answer.kind !== 'reply') throw new Error(`expected a reply of the gateway thread, found ${answer.kind}`)
      return answer.reply
    },
  }
}

const messageOf = (request: HttpRequest) => (id: number, leftMs: number) => {
  // A copy is handed over: the bytes have to be here when the thread is not any more, and a small Buffer is a view of a pool, as
  // is its slice.
  const body = request.body === undefined ? undefined : new Uint8Array(request.body)
  const message = { ...request, ...(body === undefined ? {} : { body }) }
  return {
    message: { kind: 'send' as const, id, request: message, leftMs },
    handedOver: body === undefined ? [] : [body.buffer],
  }
}

function failureOf(request: HttpRequest, why: GatewayFailure): VigilError {
  const failed = (reason: string): VigilError => requestFailure(request, 'FETCH_FAILED', reason)
  switch (why) {
    case 'closed':
      return failed('the client is closed')
    case 'given_up':
      return failed('the caller gave up')
    case 'crowded':
      return failed(`${mostUnderWay} requests are under way already`)
    case 'late':
      return requestFailure(request, 'FETCH_TIMEOUT', `no whole answer within ${request.timeoutMs} ms`)
    case 'died_twice':
      return failed('the gateway thread died twice under it')
    case 'died':
      return requestFailure(
        request,
        'EFFECT_IN_DOUBT',
        'the gateway thread died under it, nobody knows whether it arrived',
      )
  }
}
