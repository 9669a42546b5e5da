import type { ErrorCode } from '@vigil/protocol'

/** Its trigger did not take it: nothing was done, and the sender need not try again. */
export interface Refused {
  readonly accepted: false
  readonly reason: 'disabled' | 'filter'
}

/** A request to a hook, as the listener heard it. */
export interface HookRequest {
  readonly method: string
  /** Below `/hooks`, with its slash. */
  readonly path: string
  readonly query: URLSearchParams
  /** Lower-case names; repeated headers joined with ", ". */
  readonly headers: Readonly<Record<string, string>>
  /** The address at the other end of the connection; undefined: not known, and so nobody's. */
  readonly remote: string | undefined
  /** The token of the supervisor that came with it; `unset`: there is none to compare with. */
  readonly token: 'right' | 'wrong' | 'unset'
  /** Called at most once, and only when somebody may want it. Rejects with TOO_LARGE. */
  readonly body: () => Promise<Uint8Array>
}

/** What a sender is told. */
export type HookReply =
  | {
      readonly accepted: true
      /** Of the first process, by name, that took it. */
      readonly eventId: string
      /** All who took it had it before. */
      readonly duplicate: boolean
      /** When several processes share the path: the events of all who took it. */
      readonly eventIds?: readonly string[]
      /** Why others that share the path did not. */
      readonly refused?: readonly ErrorCode[]
    }
  | Refused
  /** Slack's, before it sends events: to be repeated. */
  | { readonly challenge: string }
