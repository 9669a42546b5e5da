import type { Json } from '@vigil/protocol'

/** What a turn asks people for, and waits until one of them decides. */
export interface OpenRequest {
  readonly id: string
  readonly process: string
  readonly turn: string
  readonly eventId: string
  readonly kind: 'approval' | 'question' | 'budget'
  readonly at: string
  /** `{ action, details }` or `{ question, options, schema, default }`. */
  readonly asked: Json
  /** When `onTimeout` speaks for people. */
  readonly deadline: string
  readonly onTimeout: 'deny' | 'approve' | 'escalate' | 'default' | 'reject'
  /** Names of tokens: nobody else may decide. Empty: every operator. */
  readonly approvers: readonly string[]
  /** Of what the decision is bound to, SHA-256. */
  readonly inputHash: string
}

export interface RequestsQuery {
  readonly kind?: OpenRequest['kind'] | undefined
  readonly process?: string | undefined
}

/** An approval is decided, a question answered. `edits`: what is to be done instead of what was asked. */
export interface RequestDecision {
  readonly decision?: 'approve' | 'deny' | undefined
  readonly answer?: Json | undefined
  readonly edits?: Json | undefined
  readonly reason?: string | undefined
}
