import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'

/** As much as node's HTTP parser reads at once. */
const room = 65_536
const patienceMs = 1_000

/** A body as it leaves the socket, for whoever zeroes what it reads: nothing of it is left when it ends. */
export async function* washedBody(incoming: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    yield* incoming
  } finally {
    await washParser(incoming)
  }
}

/**
 * Writes over what the parser of this thread has read last: it reads every connection into one buffer of its own, and the start of that
 * would hold a secret until a longer request comes. A request that is none, to the very listener, is read and refused.
 */
function washParser({ socket }: Pick<IncomingMessage, 'socket'>): Promise<void> {
  const { localAddress: host, localPort: port } = socket
  if (host === undefined || port === undefined) return Promise.resolve()
  return new Promise((resolve) => {
    const own = connect({ host, port, timeout: patienceMs })
    own.once('timeout', () => own.destroy())
    own.once('connect', () => own.write(Buffer.alloc(room)))
    own.on('error', () => undefined)
    own.once('close', () => resolve())
    own.resume()
  })
}
