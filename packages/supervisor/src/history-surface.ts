import type { Json } from '@vigil/protocol'

/** A moment in the life of a process: right after a record, after the end of a turn, or an ISO time. */
export type Moment = { readonly n: number } | { readonly turn: string } | { readonly at: string }

export interface StateDifference {
  readonly key: string
  /** Absent: the key is not there. */
  readonly before?: Json
  readonly after?: Json
}

/** What a rewind does to the state, or would do. */
export interface Rewinding {
  /** The record that the state goes back to. */
  readonly n: number
  readonly changes: readonly StateDifference[]
  /** So many messages of the conversation come or go. */
  readonly messages: number
  readonly applied: boolean
}

/** An ended turn run again by the code of today, without any effect. */
export interface TurnReplay {
  readonly turn: string
  /** The code of today asks for the same, and ends in the same way. */
  readonly same: boolean
  readonly recorded: TurnEnd
  /** Absent when it asked for something that is not on record: there a replay cannot go on. */
  readonly replayed?: TurnEnd
  /** Recorded outcomes that were not asked for. */
  readonly unasked: readonly string[]
  /** What was asked for and is not on record. */
  readonly unrecorded: readonly { readonly key: string; readonly kind: string; readonly input: Json }[]
  /** How the guest ended, if it did not come to an end of the turn. */
  readonly failed?: string
}

export type TurnEnd =
  | { readonly status: 'completed'; readonly result: Json; readonly writes: Json }
  | { readonly status: 'threw'; readonly error: { readonly code: string; readonly message: string } }
