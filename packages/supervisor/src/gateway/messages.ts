import type { ErrorCode, HttpReply, HttpRequest } from '@vigil/protocol'

/** What core and the gateway thread say to each other. Bodies are handed over, not copied. */
export type ToGateway =
  | { readonly kind: 'send'; readonly id: number; readonly request: HttpRequest; readonly leftMs: number }
  | { readonly kind: 'give_up'; readonly id: number }
  | { readonly kind: 'own_ports'; readonly ports: readonly number[] }
  | { readonly kind: 'ping' }
  | { readonly kind: 'close' }

export type FromGateway =
  | { readonly kind: 'alive' }
  | { readonly kind: 'reply'; readonly id: number; readonly reply: HttpReply }
  | {
      readonly kind: 'failure'
      readonly id: number
      readonly code: ErrorCode
      readonly message: string
      readonly details?: unknown
    }
