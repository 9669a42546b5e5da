import { Worker } from 'node:worker_threads'
import { type Clock, type HttpClient, type HttpReply, type HttpRequest, type Timer, VigilError } from '@vigil/protocol'
import { backoff } from '../supervision/backoff.ts'
import type { FromGateway, ToGateway } from './messages.ts'
import { requestFailure } from './request-failure.ts'

export interface Gateway extends HttpClient {
  /** Nobody reaches this port of this machine, whatever is allowed, until the returned function is called. */
  guardPort(port: number): () => void
}

export interface GatewayOptions {
  readonly clock: Clock
  /** Hears of each death of the thread. */
  readonly tell?: (message: string) => void
  /** The module of the thread. */
  readonly module?: URL
}

/** A fleet under way; what is more is refused, because each may hold a body. */
const mostUnderWay = 4_096
/** The thread measures the time of a request. What it does not tell by then, it will not tell. */
const graceMs = 5_000
const startMs = 30_000
const pulseMs = 2_000
const closeMs = 2_000
/** A thread that lived so long begins with a short backoff again. */
const stableMs = 10_000
/** A heap that runs over costs this thread; without a limit of its own it would be that of the process. */
const heapMb = 512

/** A request until its end: it outlives threads. */
interface Flight {
  readonly id: number
  readonly request: HttpRequest
  readonly deadline: number
  /** How often it was given to a thread. */
  sent: number
  settle(end: HttpReply | VigilError): void
}

/** One life of the thread. */
interface Life {
  readonly worker: Worker
  readonly begunAt: number
  alive: boolean
  /** Armed while a sign of life is awaited. */
  pulse: Timer | undefined
}

/**
 * The mouth of egress: requests go to a thread of their own, which parses what comes back. It starts with the first
 * request. When it dies another takes its place: what may be sent again is sent again, once; of the rest nobody knows
 * whether it has arrived (EFFECT_IN_DOUBT).
 */
export function httpGateway({ clock, tell = () => undefined, module = threadModule }: GatewayOptions): Gateway {
  const flights = new Map<number, Flight>()
  const ownPorts = new Map<number, number>()
  let life: Life | undefined
  let restart: Timer | undefined
  let deaths = 0
  let ids = 0
  let closing: Promise<void> | undefined

  const post = (message: ToGateway, handedOver: ArrayBuffer[] = []): void =>
    life?.worker.postMessage(message, handedOver)
  const postPorts = (): void => post({ kind: 'own_ports', ports: [...ownPorts.keys()] })

  const launch = (flight: Flight): void => {
    flight.sent += 1
    const { id, request, deadline } = flight
    // A copy is handed over: the bytes have to be here when the thread is not any more, and a small Buffer is a view of a pool, as
    // is its slice.
    const body = request.body === undefined ? undefined : new Uint8Array(request.body)
    const message = { ...request, ...(body === undefined ? {} : { body }) }
    const leftMs = Math.max(0, deadline - clock.monotonic())
    post({ kind: 'send', id, request: message, leftMs }, body === undefined ? [] : [body.buffer])
  }

  const heard = (mine: Life, message: FromGateway): void => {
    if (mine !== life) return
    mine.pulse?.cancel()
    mine.pulse = undefined
    if (message.kind === 'alive') return
    const flight = flights.get(message.id)
    flight?.settle(message.kind === 'reply' ? message.reply : new VigilError(message.code, message.message))
  }

  /** What does not answer is as good as dead, and may be in a loop that only its end ends. */
  const watch = (mine: Life, patienceMs: number): void => {
    mine.pulse ??= clock.setTimer(patienceMs, () => died(mine, `gave no sign of life for ${patienceMs} ms`))
  }

  const begin = (): void => {
    if (life !== undefined || closing !== undefined) return
    const worker = new Worker(module, {
      name: 'gateway',
      env: {},
      argv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    })
    const mine: Life = { worker, begunAt: clock.monotonic(), alive: true, pulse: undefined }
    life = mine
    worker.on('message', (message: FromGateway) => heard(mine, message))
    worker.on('error', (error) => died(mine, error instanceof Error ? error.message : String(error)))
    worker.on('exit', (code) => died(mine, `exited with ${code}`))
    watch(mine, startMs)
    postPorts()
    for (const flight of flights.values()) launch(flight)
  }

  const died = (mine: Life, reason: string): void => {
    if (!mine.alive) return
    mine.alive = false
    mine.pulse?.cancel()
    // Never awaited: it may be in a call that does not return.
    void mine.worker.terminate()
    if (life !== mine) return
    life = undefined
    if (closing !== undefined) return
    deaths = clock.monotonic() - mine.begunAt >= stableMs ? 0 : deaths + 1
    const waitMs = deaths === 0 ? 0 : backoff({ baseMs: 50, maxMs: 5_000 }, deaths - 1, 0)
    tell(`the gateway thread ${reason}; ${flights.size} requests under way, another starts in ${waitMs} ms`)
    for (const flight of [...flights.values()]) bereave(flight)
    restart = clock.setTimer(waitMs, () => {
      restart = undefined
      if (flights.size > 0) begin()
    })
  }

  const bereave = ({ request, sent, settle }: Flight): void => {
    if (sent === 0 || (request.repeatable && sent === 1)) return
    settle(
      request.repeatable
        ? requestFailure(request, 'FETCH_FAILED', 'the gateway thread died twice under it')
        : requestFailure(
            request,
            'EFFECT_IN_DOUBT',
            'the gateway thread died under it, nobody knows whether it arrived',
          ),
    )
  }

  const take = (request: HttpRequest, signal: AbortSignal): Promise<HttpReply> =>
    new Promise((resolve, reject) => {
      ids += 1
      const id = ids
      const deadline = clock.monotonic() + request.timeoutMs
      const giveUp = (): void => {
        post({ kind: 'give_up', id })
        flight.settle(requestFailure(request, 'FETCH_FAILED', 'the caller gave up'))
      }
      const timer = clock.setTimer(request.timeoutMs + graceMs, () => {
        flight.settle(requestFailure(request, 'FETCH_TIMEOUT', `no whole answer within ${request.timeoutMs} ms`))
        if (life === undefined) return
        post({ kind: 'ping' })
        watch(life, pulseMs)
      })
      const flight: Flight = {
        id,
        request,
        deadline,
        sent: 0,
        settle(end) {
          if (!flights.delete(id)) return
          timer.cancel()
          signal.removeEventListener('abort', giveUp)
          if (end instanceof VigilError) reject(end)
          else resolve(end)
        },
      }
      signal.addEventListener('abort', giveUp, { once: true })
      flights.set(id, flight)
      if (life !== undefined) launch(flight)
      else if (restart === undefined) begin()
    })

  return {
    async send(request, signal) {
      if (closing !== undefined) throw requestFailure(request, 'FETCH_FAILED', 'the client is closed')
      if (signal.aborted) throw requestFailure(request, 'FETCH_FAILED', 'the caller gave up before it was sent')
      if (flights.size >= mostUnderWay)
        throw requestFailure(request, 'FETCH_FAILED', `${mostUnderWay} requests are under way already`)
      return await take(request, signal)
    },
    guardPort(port) {
      ownPorts.set(port, (ownPorts.get(port) ?? 0) + 1)
      postPorts()
      return () => {
        const left = (ownPorts.get(port) ?? 1) - 1
        if (left > 0) ownPorts.set(port, left)
        else ownPorts.delete(port)
        postPorts()
      }
    },
    close() {
      closing ??= end()
      return closing
    },
  }

  async function end(): Promise<void> {
    restart?.cancel()
    const mine = life
    for (const { request, settle } of [...flights.values()])
      settle(requestFailure(request, 'FETCH_FAILED', 'the client is closed'))
    if (mine === undefined) return
    const { promise: gone, resolve } = Promise.withResolvers<void>()
    mine.worker.once('exit', () => resolve())
    post({ kind: 'close' })
    const late = clock.setTimer(closeMs, () => void mine.worker.terminate().then(() => resolve()))
    const tooLate = clock.setTimer(2 * closeMs, resolve)
    await gone
    late.cancel()
    tooLate.cancel()
    mine.pulse?.cancel()
  }
}

const threadModule = new URL('./gateway-thread.ts', import.meta.url)
