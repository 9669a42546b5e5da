import type { MessagePort } from 'node:worker_threads'
import type {
  BrokeredSecret,
  EmbedCall,
  EmbedReply,
  ErrorCode,
  HttpReply,
  HttpRequest,
  ModelCall,
  ModelReply,
  ServerTool,
  ServerToolResult,
} from '@vigil/protocol'

/** What core and the gateway thread say to each other. Bodies are handed over, not copied. */
export type ToGateway =
  | { readonly kind: 'send'; readonly id: number; readonly request: HttpRequest; readonly leftMs: number }
  | { readonly kind: 'generate'; readonly id: number; readonly call: ModelCall; readonly leftMs: number }
  | { readonly kind: 'embed'; readonly id: number; readonly call: EmbedCall; readonly leftMs: number }
  | { readonly kind: 'give_up'; readonly id: number }
  | { readonly kind: 'server'; readonly lane: MessagePort; readonly address: LaneAddress }
  | { readonly kind: 'own_ports'; readonly ports: readonly number[] }
  | { readonly kind: 'ping' }
  | { readonly kind: 'close' }

export type FromGateway =
  | { readonly kind: 'alive' }
  | { readonly kind: 'reply'; readonly id: number; readonly reply: HttpReply }
  | { readonly kind: 'said'; readonly id: number; readonly reply: Omit<ModelReply, 'usd'> }
  | { readonly kind: 'embedded'; readonly id: number; readonly reply: Omit<EmbedReply, 'usd'> }
  | {
      readonly kind: 'failure'
      readonly id: number
      readonly code: ErrorCode
      readonly message: string
      readonly details?: unknown
    }

/** Of a program core has the streams, and the thread gets its bytes. */
export type LaneAddress =
  | { readonly kind: 'stdio' }
  | {
      readonly kind: 'http'
      readonly url: string
      readonly headers: Readonly<Record<string, string>>
      readonly secrets: readonly BrokeredSecret[]
    }

/** Over the lane of one connection to an MCP server. */
export type ToServerLane =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'call'; readonly call: number; readonly tool: string; readonly input: unknown }
  | { readonly kind: 'cancel'; readonly call: number; readonly reason: string }
  | { readonly kind: 'close' }

export type FromServerLane =
  | { readonly kind: 'write'; readonly text: string }
  | { readonly kind: 'taken'; readonly bytes: number }
  | { readonly kind: 'ready'; readonly tools: readonly ServerTool[] }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'result'; readonly call: number; readonly result: ServerToolResult }
  | { readonly kind: 'failed'; readonly call: number; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'ended'; readonly reason: string }
