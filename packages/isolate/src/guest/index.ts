import { parentPort, workerData } from 'node:worker_threads'
import { beatMs } from '../wire/hub-protocol.ts'
import { harden } from './harden.ts'

export { loadModule } from './module-loader.ts'

/** What a guest is given to live: who it is and the module that it runs. */
export interface GuestBoot {
  readonly process: string
  readonly epoch: number
  readonly module: { readonly hash: string; readonly code: string }
  readonly env: Readonly<Record<string, string>>
}

/** The guest's one way out of its thread: strings to core and back. */
export interface GuestPort {
  post(text: string): void
  listen(handler: (text: string) => void): void
  /** Core wants the guest to end: finish, then close. */
  asked(handler: () => void): void
  /** Nothing more will be said; the thread ends when its loop is empty. */
  close(): void
}

/** Enters the guest runtime in a worker thread: hardens the thread, starts its heartbeat, hands over boot and port. */
export function enterGuest(main: (boot: GuestBoot, port: GuestPort) => void | Promise<void>): void {
  const channel = parentPort
  if (channel === null) throw new Error('the guest runtime runs in a worker thread of a cell only')
  const { boot, beats } = workerData as { boot: GuestBoot; beats: Int32Array }
  let hear: (text: string) => void = () => undefined
  let end: () => void = () => undefined
  const post = channel.postMessage.bind(channel)
  const close = channel.close.bind(channel)

  const heart = setInterval(() => Atomics.add(beats, 0, 1), beatMs / 2)
  heart.unref()
  channel.on('message', (message: unknown) => {
    if (typeof message === 'string') hear(message)
    else end()
  })
  harden()
  void main(boot, {
    post: (text) => post(text),
    listen(handler) {
      hear = handler
    },
    asked(handler) {
      end = handler
    },
    close: () => close(),
  })
}
