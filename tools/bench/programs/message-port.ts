import { type MessagePort, parentPort, workerData } from 'node:worker_threads'

const { port, role, count } = workerData as {
  port: MessagePort
  role: 'ask' | 'answer' | 'send' | 'read'
  count: number
}
const batch = 256

const texts: string[] = []
let heard: (() => void) | undefined
port.on('message', (items: string[]) => {
  texts.push(...items)
  heard?.()
})
const receive = async (): Promise<unknown> => {
  while (texts.length === 0) await new Promise<void>((resolve) => (heard = resolve))
  return JSON.parse(texts.shift() as string)
}
const send = (item: unknown): void => port.postMessage([JSON.stringify(item)])

/** What the agents of this measurement do, over a bare port between two threads. */
const roles = {
  async ask() {
    const times: number[] = []
    for (let n = 0; n < count; n += 1) {
      const began = performance.now()
      send(n)
      await receive()
      times.push((performance.now() - began) * 1_000)
    }
    return times.toSorted((a, b) => a - b)[count >> 1] ?? 0
  },
  async answer() {
    for (let n = 0; n < count; n += 1) send(await receive())
    return count
  },
  async send() {
    for (let n = 0; n < count; n += batch) {
      const items = Array.from({ length: Math.min(batch, count - n) }, (_, k) => ({ symbol: 'VGL', price: n + k }))
      port.postMessage(items.map((item) => JSON.stringify(item)))
      await new Promise(setImmediate)
    }
    return count
  },
  async read() {
    await receive()
    const began = performance.now()
    for (let got = 1; got < count; got += 1) await receive()
    return count / ((performance.now() - began) / 1_000)
  },
}

parentPort?.postMessage(await roles[role]())
port.close()
