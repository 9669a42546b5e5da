import type { CallKind, CoreMessage, GuestMessage, Outcome, RecordedError } from '@vigil/protocol'

/** The system calls of one guest on their way: ids, credits, replies. Knows nothing of turns but their name. */
export interface Calls {
  /** `replied` is called once, or never when the turn is over before the call could go out. */
  make(call: OutgoingCall, replied: (reply: CallReply) => void): void
  reply(message: Extract<CoreMessage, { t: 'reply' }>): void
  /** No turn is open: credits of calls that core may never answer are given back. */
  clear(): void
}

export interface OutgoingCall {
  readonly turn: string
  readonly key: string
  readonly kind: CallKind
  readonly input: unknown
  /** Asked when the call's place in the queue has come. */
  readonly over: () => boolean
}

export interface CallReply {
  /** ISO wall time; undefined for a call that never left the guest. */
  readonly at: string | undefined
  readonly outcome: Outcome
}

/** Core ends a guest with more open calls than this; the rest wait here, in order. */
const credits = 256

const tooLong = (kind: CallKind): RecordedError => ({
  code: 'TOO_LARGE',
  message: `the input of this ${kind} is too long for one message`,
  help: 'Keep large data in a file and pass its path.',
})

/** `post` sends a message, or is false for one that is too long for the wire. */
export function systemCalls(post: (message: GuestMessage) => boolean): Calls {
  let lastId = 0
  const pending = new Map<number, (reply: CallReply) => void>()
  const queue: { readonly call: OutgoingCall; readonly replied: (reply: CallReply) => void }[] = []

  const send = (): void => {
    while (pending.size < credits) {
      const next = queue.shift()
      if (next === undefined) return
      const { turn, key, kind, input, over } = next.call
      if (over()) continue
      lastId += 1
      pending.set(lastId, next.replied)
      if (post({ t: 'call', id: lastId, turn, key, kind, input })) continue
      // Not recorded: a replay makes the same call and is refused in the same way.
      pending.delete(lastId)
      next.replied({ at: undefined, outcome: { ok: false, error: tooLong(kind) } })
    }
  }

  return {
    make(call, replied) {
      queue.push({ call, replied })
      send()
    },
    reply(message) {
      const replied = pending.get(message.id)
      if (replied === undefined) return
      pending.delete(message.id)
      replied({
        at: message.at,
        outcome: message.ok ? { ok: true, value: message.value } : { ok: false, error: message.error },
      })
      send()
    },
    clear() {
      pending.clear()
      queue.length = 0
    },
  }
}
