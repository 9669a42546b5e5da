import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { customTrigger, parseManifestText, Supervisor, type TriggerType } from '@vigil/supervisor'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { fastClock } from '../support/fast-clock.ts'
import { until } from '../support/until.ts'

/** A queue that speaks lines: `id body`, and takes an id off when it is acknowledged. */
class Broker {
  readonly #server: Server = createServer((socket) => this.#serve(socket))
  readonly left = new Map<string, string>()
  readonly sockets = new Set<Socket>()
  sent = 0

  async listen(): Promise<number> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    return (this.#server.address() as { port: number }).port
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await once(this.#server.close(), 'close')
  }

  put(id: string, body: string): void {
    this.left.set(id, body)
    for (const socket of this.sockets) this.#send(socket, id)
  }

  #send(socket: Socket, id: string): void {
    this.sent += 1
    socket.write(`${id} ${this.left.get(id)}\n`)
  }

  #serve(socket: Socket): void {
    this.sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => this.sockets.delete(socket))
    for (const id of this.left.keys()) this.#send(socket, id)
    createInterface({ input: socket }).on('line', (id) => this.left.delete(id))
  }
}

const queue: TriggerType<{ port: number; acknowledge: boolean }> = {
  schema: z.strictObject({ port: z.int().min(1), acknowledge: z.boolean().default(true) }) as never,
  async arm({ trigger, signal, emit }) {
    const socket = connect(trigger.port, '127.0.0.1').setEncoding('utf8')
    signal.addEventListener('abort', () => socket.destroy())
    let begun = ''
    for await (const text of socket) {
      const lines = `${begun}${text}`.split('\n')
      begun = lines.pop() ?? ''
      for (const line of lines) {
        const [id = '', body = ''] = line.split(' ')
        await emit({ body }, { key: id, metadata: { id } })
        if (trigger.acknowledge) socket.write(`${id}\n`)
      }
    }
    if (!signal.aborted) throw new Error('the broker hung up')
  },
}

const entrypoint = new URL('../fixtures/echo/echo.ts', import.meta.url)
let dataDir: string
let broker: Broker
let clock: ReturnType<typeof fastClock>
let port: number
const logged: string[] = []

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'vigil-custom-'))
  logged.length = 0
  broker = new Broker()
  clock = fastClock(20)
  port = await broker.listen()
})
afterEach(async () => {
  clock.close()
  await broker.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const start = (triggerTypes: Record<string, TriggerType<never>> = { queue: queue as never }) =>
  Supervisor.start({
    dataDir,
    triggerTypes,
    ports: { clock },
    logger: ({ message }) => logged.push(message),
  })

test('an event is taken off the other side when it is ours, once, whoever dies or hangs up meanwhile', async () => {
  broker.put('m1', 'one')
  {
    await using s = await start()
    const agent = await s.spawn({ name: 'reader', entrypoint, triggers: [customTrigger('queue', { port })] })
    await until('m1 to be taken', () => broker.left.size === 0)
    await until('its turn to end', () => agent.status().counters.completed === 1)
    expect(agent.status().triggers).toMatchObject([{ type: 'queue', text: `{"port":${port},"acknowledge":true}` }])
    const state = (await agent.context()).state
    expect(state.seen).toEqual([{ type: 'queue', payload: { body: 'one' }, metadata: { id: 'm1' } }])

    for (const socket of broker.sockets) socket.destroy()
    broker.put('m2', 'two')
    await until('m2 to be taken by the next connection', () => broker.left.size === 0)
    expect(logged.filter((line) => line.includes('the broker hung up'))).toHaveLength(1)
    // Its acknowledgement was lost: it comes again.
    broker.put('m2', 'two')
    await until('m2 to be taken again', () => broker.left.size === 0)
    await until('all turns to end', () => agent.status().counters.completed === 2)
  }
  await until('its connection to be closed', () => broker.sockets.size === 0)
  broker.put('m1', 'one')
  broker.put('m3', 'three')
  await using s = await start()
  await until('both to be taken', () => broker.left.size === 0)
  const agent = s.get('reader')
  await until('only m3 to have a turn', () => agent.status().counters.completed === 3)
  expect(agent.status().counters.accepted).toBe(3)
})

test('a type that is not registered any more is told, and the rest runs', async () => {
  {
    await using s = await start()
    await s.spawn({ name: 'reader', entrypoint, triggers: [customTrigger('queue', { port })] })
  }
  await using s = await start({})
  await until('it to run', () => s.get('reader').state === 'running')
  expect(logged).toContain('trigger queue of "reader" cannot be armed: no such type is registered with this supervisor')
  await s.get('reader').run({})
})

test.each([
  ['type: quene', 'a.agent:4:11: expected a trigger', 'did you mean queue?'],
  ['type: queue', 'a.agent:4:5: Invalid input: expected number', ''],
  ['type: queue\n    port: none', 'a.agent:5:11: Invalid input: expected number', ''],
  ['type: queue\n    port: 7\n    prot: 7', 'a.agent:4:5: Unrecognized key: "prot"', ''],
])('a manifest with %j is refused with its place', (trigger, place, hint) => {
  const text = `name: a\nentrypoint: ./a.ts\ntriggers:\n  - ${trigger}\n`
  const read = () => parseManifestText(text, { file: 'a.agent', env: {}, triggerTypes: { queue } })
  expect(read).toThrow(place)
  expect(read).toThrow(hint)
})

test('a manifest keeps what the schema makes of the options', () => {
  const text = `name: a\nentrypoint: ./a.ts\ntriggers:\n  - type: queue\n    port: 7\n    filter: payload.body == 'x'\n`
  const { triggers } = parseManifestText(text, { file: 'a.agent', env: {}, triggerTypes: { queue } })
  expect(triggers).toEqual([
    { type: 'custom', kind: 'queue', options: { port: 7, acknowledge: true }, filter: "payload.body == 'x'" },
  ])
})

test('a name that is taken is refused', async () => {
  await expect(start({ cron: queue as never })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})
