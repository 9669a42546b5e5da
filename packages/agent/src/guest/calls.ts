import type { CallKind, CoreMessage, GuestMessage, Outcome } from '@vigil/protocol'
import { codedError } from './coded-error.ts'

/** The system calls of one guest on their way: ids, credits, replies. Knows nothing of turns but their name. */
export interface Calls {
  make(call: { readonly turn: string; readonly key: string; readonly kind: CallKind; readonly input: unknown; readonly signal: AbortSignal }): Promise<{ at: string; outcome: Outcome }>
  reply(message: Extract<CoreMessage, { t: 'reply' }>): void
}

/** Core ends a guest with more open calls than this; the rest wait here, in order. */
const credits = 256

export function systemCalls(post: (message: GuestMessage) => void): Calls {
  let lastId = 0
  let open = 0
  const pending = new Map<number, (reply: { at: string; outcome: Outcome }) => void>()
  const queue: (() => void)[] = []

  return {
    make({ turn, key, kind, input, signal }) {
      return new Promise((resolve, reject) => {
        const abort = (): void => reject(codedError({ code: 'ABORTED', message: 'core has ended this turn' }))
        if (signal.aborted) return abort()
        signal.addEventListener('abort', abort, { once: true })
        const begin = (): void => {
          lastId += 1
          open += 1
          pending.set(lastId, (reply) => {
            signal.removeEventListener('abort', abort)
            resolve(reply)
          })
          post({ t: 'call', id: lastId, turn, key, kind, input })
        }
        if (open < credits) begin()
        else queue.push(() => (signal.aborted ? undefined : begin()))
      })
    },
    reply(message) {
      const settle = pending.get(message.id)
      if (settle === undefined) return
      pending.delete(message.id)
      open -= 1
      settle({ at: message.at, outcome: message.ok ? { ok: true, value: message.value } : { ok: false, error: message.error } })
      while (open < credits && queue.length > 0) queue.shift()?.()
    },
  }
}
