import { parentPort } from 'node:worker_threads'
import { type ErrorCode, errorBody } from '@vigil/protocol'
import { systemClock } from '../platform/clock.ts'
import { httpExchange } from './http-exchange.ts'
import type { FromGateway, ToGateway } from './messages.ts'

/**
 * The thread of ring 0 that parses foreign bytes. It knows what is under way and nothing else: whoever starts it anew
 * tells it all that it needs.
 */
if (parentPort === null) throw new Error('the gateway is a thread of the supervisor')
const core = parentPort
const clock = systemClock()
const ownPorts = new Set<number>()
const exchange = httpExchange({ clock, ownPorts })
const underWay = new Map<number, AbortController>()

const tell = (message: FromGateway, handedOver: ArrayBuffer[] = []): void => core.postMessage(message, handedOver)

async function send({ id, request, leftMs }: Extract<ToGateway, { kind: 'send' }>): Promise<void> {
  const caller = new AbortController()
  underWay.set(id, caller)
  try {
    const reply = await exchange.send(request, { signal: caller.signal, leftMs })
    tell({ kind: 'reply', id, reply }, [reply.body.buffer as ArrayBuffer])
  } catch (error) {
    const { code, message } = errorBody(error, 'FETCH_FAILED')
    tell({ kind: 'failure', id, code: code as ErrorCode, message })
  } finally {
    underWay.delete(id)
  }
}

async function close(): Promise<void> {
  await exchange.close()
  clock.close()
  core.close()
}

core.on('message', (message: ToGateway) => {
  switch (message.kind) {
    case 'send':
      return void send(message)
    case 'give_up':
      return underWay.get(message.id)?.abort()
    case 'own_ports':
      ownPorts.clear()
      for (const port of message.ports) ownPorts.add(port)
      return
    case 'ping':
      return tell({ kind: 'alive' })
    case 'close':
      return void close()
  }
})
tell({ kind: 'alive' })
