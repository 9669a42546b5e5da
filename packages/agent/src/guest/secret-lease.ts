import type { GuestPort } from '@vigil/isolate/guest'
import type { GuestMessage, RecordedError } from '@vigil/protocol'
import { type CodedError, codedError } from './coded-error.ts'

/** Secrets whose bytes the code of a guest holds for as long as a function runs. */
export interface SecretLeases {
  lease<T>(turn: string, name: string, use: (bytes: Uint8Array) => T | Promise<T>, over: AbortSignal): Promise<T>
  refused(id: number, error: RecordedError): void
}

export function secretLeases(port: GuestPort, post: (message: GuestMessage) => void): SecretLeases {
  const asked = new Map<number, PromiseWithResolvers<Uint8Array>>()
  let lastId = 0

  port.lent((id, bytes) => {
    const waiting = asked.get(id)
    asked.delete(id)
    if (waiting !== undefined) return waiting.resolve(bytes)
    bytes.fill(0)
    port.giveBack(id)
  })

  return {
    async lease(turn, name, use, over) {
      over.throwIfAborted()
      lastId += 1
      const id = lastId
      const waiting = Promise.withResolvers<Uint8Array>()
      asked.set(id, waiting)
      const giveUp = (): void => {
        asked.delete(id)
        waiting.reject(over.reason as CodedError)
      }
      over.addEventListener('abort', giveUp, { once: true })
      let bytes: Uint8Array | undefined
      try {
        post({ t: 'lease', turn, id, name })
        bytes = await waiting.promise
        return await use(bytes)
      } finally {
        over.removeEventListener('abort', giveUp)
        bytes?.fill(0)
        port.giveBack(id)
        post({ t: 'lease.end', id })
      }
    },
    refused(id, error) {
      asked.get(id)?.reject(codedError(error))
      asked.delete(id)
    },
  }
}
