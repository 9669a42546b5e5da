import { parentPort, workerData } from 'node:worker_threads'
import { beatMs, type GuestBoot } from '../wire/hub-protocol.ts'
import { harden } from './harden.ts'

export type { GuestBoot } from '../wire/hub-protocol.ts'
export { loadModule } from './module-loader.ts'

/** Calls `act` after so many milliseconds of the thread's own time, unless the returned function is called before. */
export function after(ms: number, act: () => void): () => void {
  const timer = setTimeout(act, ms)
  return () => clearTimeout(timer)
}

interface Lent {
  readonly lent: { readonly id: number; readonly memory: SharedArrayBuffer }
}

/** The guest's one way out of its thread: strings to core and back. */
export interface GuestPort {
  post(text: string): void
  listen(handler: (text: string) => void): void
  /** Bytes of a secret, in memory that is shared: others may zero it at any time. */
  lent(handler: (id: number, bytes: Uint8Array) => void): void
  /** Is not looked at any more: zeroed in the cell, too. */
  giveBack(id: number): void
  /** Core wants the guest to end: finish, then close. */
  asked(handler: () => void): void
  /** Nothing more will be said; the thread ends when its loop is empty. */
  close(): void
}

/**
 * Enters the guest runtime in a worker thread: hardens the thread and starts its heartbeat. Who it is comes later, maybe much
 * later: then boot and port are handed over. A thread that stands ready spends the wait on `rehearse`.
 */
export function enterGuest(
  main: (boot: GuestBoot, port: GuestPort) => void | Promise<void>,
  rehearse: () => void = () => undefined,
): void {
  const channel = parentPort
  if (channel === null) throw new Error('the guest runtime runs in a worker thread of a cell only')
  const { beats, isSpare } = workerData as { beats: Int32Array; isSpare: boolean }
  let hear: (text: string) => void = () => undefined
  let lend: (id: number, bytes: Uint8Array) => void = () => undefined
  let end: () => void = () => undefined
  const post = channel.postMessage.bind(channel)
  const close = channel.close.bind(channel)
  const port: GuestPort = {
    post: (text) => post(text),
    listen(handler) {
      hear = handler
    },
    lent(handler) {
      lend = handler
    },
    giveBack: (id) => post({ giveBack: id }),
    asked(handler) {
      end = handler
    },
    close: () => close(),
  }

  const heart = setInterval(() => Atomics.add(beats, 0, 1), beatMs / 2)
  heart.unref()
  channel.on('message', (message: string | { readonly boot: GuestBoot } | { readonly ask: true } | Lent) => {
    if (typeof message === 'string') hear(message)
    else if ('lent' in message) lend(message.lent.id, new Uint8Array(message.lent.memory))
    else if ('boot' in message) void main(message.boot, port)
    else end()
  })
  harden()
  if (isSpare) rehearse()
}
