import { parentPort } from 'node:worker_threads'
import { type ErrorCode, errorBody } from '@vigil/protocol'
import { systemClock } from '../platform/clock.ts'
import { httpExchange } from './http-exchange.ts'
import type { FromGateway, ToGateway } from './messages.ts'
import type { ModelExchange } from './model-exchange.ts'

/**
 * The thread of ring 0 that parses foreign bytes. It knows what is under way and nothing else: whoever starts it anew
 * tells it all that it needs.
 */
if (parentPort === null) throw new Error('the gateway is a thread of the supervisor')
const core = parentPort
const clock = systemClock()
const ownPorts = new Set<number>()
const exchange = httpExchange({ clock, ownPorts })
const clients = new Set<{ end(): Promise<void> }>()
const underWay = new Map<number, AbortController>()

const tell = (message: FromGateway, handedOver: ArrayBuffer[] = []): void => core.postMessage(message, handedOver)

/** Whatever comes of it is told, unless it ends with the thread. */
async function work(
  id: number,
  fallback: ErrorCode,
  act: (signal: AbortSignal) => Promise<readonly [FromGateway, ArrayBuffer[]?]>,
): Promise<void> {
  const caller = new AbortController()
  underWay.set(id, caller)
  try {
    tell(...(await act(caller.signal)))
  } catch (error) {
    const { code, message, details } = errorBody(error, fallback)
    tell({ kind: 'failure', id, code: code as ErrorCode, message, ...(details === undefined ? {} : { details }) })
  } finally {
    underWay.delete(id)
  }
}

const send = ({ id, request, leftMs }: Extract<ToGateway, { kind: 'send' }>): Promise<void> =>
  work(id, 'FETCH_FAILED', async (signal) => {
    const reply = await exchange.send(request, { signal, leftMs })
    return [{ kind: 'reply', id, reply }, [reply.body.buffer as ArrayBuffer]]
  })

/** The client takes some 60 ms to load, and most fleets have no server. */
function serve({ lane, address }: Extract<ToGateway, { kind: 'server' }>): void {
  import('./server-client.ts').then(
    ({ serverClient }) => {
      const client = serverClient(lane, address, { clock, ownPorts })
      clients.add(client)
      lane.on('close', () => clients.delete(client))
    },
    () => lane.close(),
  )
}
/** Parsing what models say takes a library that a fleet without models need not load. */
let models: Promise<ModelExchange> | undefined
const modelsLoaded = (): Promise<ModelExchange> =>
  (models ??= import('./model-exchange.ts').then(({ modelExchange }) => modelExchange({ clock, ownPorts })))

const generate = ({ id, call, leftMs }: Extract<ToGateway, { kind: 'generate' }>): Promise<void> =>
  work(id, 'MODEL_UNAVAILABLE', async (signal) => {
    const reply = await (await modelsLoaded()).generate(call, { signal, leftMs })
    return [{ kind: 'said', id, reply }]
  })

const embed = ({ id, call, leftMs }: Extract<ToGateway, { kind: 'embed' }>): Promise<void> =>
  work(id, 'MODEL_UNAVAILABLE', async (signal) => {
    const reply = await (await modelsLoaded()).embed(call, { signal, leftMs })
    return [{ kind: 'embedded', id, reply }]
  })

async function close(): Promise<void> {
  await Promise.all([...clients].map((client) => client.end()))
  await exchange.close()
  await (await models)?.close()
  clock.close()
  core.close()
}

core.on('message', (message: ToGateway) => {
  switch (message.kind) {
    case 'send':
      return void send(message)
    case 'generate':
      return void generate(message)
    case 'embed':
      return void embed(message)
    case 'give_up':
      return underWay.get(message.id)?.abort()
    case 'server':
      return serve(message)
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
