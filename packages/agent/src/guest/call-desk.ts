import type { CallKind, CoreMessage } from '@vigil/protocol'

/**
 * Sends the calls of a guest and finds the caller of each reply. Core ends a guest that has more than 256 calls open,
 * so the rest wait here in their order. A place is free when the reply is in, not when the caller has lost interest.
 */
export type Reply = Extract<CoreMessage, { t: 'reply' }>

export interface OpenCall {
  readonly turn: string
  readonly key: string
  readonly kind: CallKind
  readonly input: unknown
  /** The turn is over: a call that has not been sent is dropped. */
  over(): boolean
  answered(reply: Reply): void
}

export interface CallDesk {
  send(call: OpenCall): void
  reply(reply: Reply): void
  /** No turn is open: places that ended turns still hold are given back, answered or not. */
  clear(): void
}

const maxOpen = 256

export function callDesk(post: (message: { readonly t: 'call'; readonly id: number } & Pick<OpenCall, 'turn' | 'key' | 'kind' | 'input'>) => void): CallDesk {
  const open = new Map<number, OpenCall>()
  let queue: OpenCall[] = []
  let lastId = 0

  const fill = (): void => {
    if (queue.length === 0) return
    let taken = 0
    while (open.size < maxOpen && taken < queue.length) {
      const call = queue[taken] as OpenCall
      taken += 1
      if (call.over()) continue
      lastId += 1
      open.set(lastId, call)
      post({ t: 'call', id: lastId, turn: call.turn, key: call.key, kind: call.kind, input: call.input })
    }
    queue = queue.slice(taken)
  }

  return {
    send(call) {
      queue.push(call)
      fill()
    },
    reply(reply) {
      const call = open.get(reply.id)
      if (call === undefined) return
      open.delete(reply.id)
      fill()
      call.answered(reply)
    },
    clear() {
      open.clear()
      queue = []
    },
  }
}
