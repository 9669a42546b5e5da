import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/**
 * What befalls the next bytes of a client: `lose_request`: the connection breaks before they are passed on; `lose_reply`: they are passed on,
 * and the connection breaks instead of the answer; `hold_request`: they stay on the way until `release`, also when the client
 * has given up by then.
 */
export type WireFault = 'lose_request' | 'lose_reply' | 'hold_request'

/** A way to a server on which messages can be lost. */
export interface TcpProxy {
  readonly port: number
  /** Plans one fault; resolves when it has happened. */
  befall(fault: WireFault): Promise<void>
  /** Passes on what is held; resolves when it has been answered, to nobody. */
  release(): Promise<void>
  /** Breaks every connection and refuses new ones. */
  close(): Promise<void>
}

export async function tcpProxy(serverPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let planned: { readonly fault: WireFault; readonly happened: () => void } | undefined
  let release: (() => Promise<void>) | undefined

  const proxy = createServer((client) => {
    const server = connect(serverPort, '127.0.0.1')
    const both = [client, server]
    const cut = (): void => {
      for (const socket of both) socket.destroy()
    }
    let answerIsLost = false
    let held = false
    for (const socket of both) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        if (!held) cut()
      })
    }
    server.on('data', (bytes) => {
      if (answerIsLost) cut()
      else if (!held) client.write(bytes)
    })
    client.on('data', (bytes) => {
      const now = planned
      planned = undefined
      if (now?.fault === 'lose_request') cut()
      else if (now?.fault === 'hold_request') {
        held = true
        release = async () => {
          server.write(bytes)
          await once(server, 'data')
          cut()
        }
      } else {
        answerIsLost = now?.fault === 'lose_reply'
        if (!held) server.write(bytes)
      }
      now?.happened()
    })
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    port: (proxy.address() as { port: number }).port,
    befall: (fault) =>
      new Promise((happened) => {
        planned = { fault, happened }
      }),
    release: async () => await release?.(),
    async close() {
      const closed = once(proxy, 'close')
      proxy.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
