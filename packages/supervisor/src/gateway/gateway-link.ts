import { type MessagePort, Worker } from 'node:worker_threads'
import { type Clock, type Timer, VigilError } from '@vigil/protocol'
import { backoff } from '../supervision/backoff.ts'
import type { FromGateway, ToGateway } from './messages.ts'

/**
 * The thread that parses what comes from outside, as core sees it: it starts with the first job, and when it dies another takes its
 * place. Jobs outlive threads: what may be done again is done again, once.
 */
export interface GatewayLink {
  /** Rejects with what the thread says, or with what `failure` makes of it when it says nothing. */
  ask(job: GatewayJob, signal: AbortSignal): Promise<GatewayAnswer>
  /** Hands the thread one end of a lane of its own, whose other end closes when the thread dies. */
  attach(message: ToGateway, lane: MessagePort): void
  /** It owes an answer: whoever gives no sign of life now is dead. */
  suspect(): void
  /** Nobody reaches this port of this machine, whatever is allowed, until the returned function is called. */
  guardPort(port: number): () => void
  close(): Promise<void>
}

export type GatewayAnswer = Exclude<FromGateway, { kind: 'alive' | 'failure' }>

export interface GatewayJob {
  /** For one thread; what is handed over must not be needed for the next. */
  message(id: number, leftMs: number): { readonly message: ToGateway; readonly handedOver?: ArrayBuffer[] }
  /** The thread measures it; core waits a little longer. */
  readonly timeoutMs: number
  /** May be done again when nobody knows whether it was done. */
  readonly repeatable: boolean
  failure(why: GatewayFailure): VigilError
}

export type GatewayFailure = 'closed' | 'given_up' | 'crowded' | 'late' | 'died' | 'died_twice'

export interface GatewayOptions {
  readonly clock: Clock
  /** Hears of each death of the thread. */
  readonly tell?: (message: string) => void
  /** The module of the thread. */
  readonly module?: URL
}

/** A fleet under way; what is more is refused, because each may hold a body. */
export const mostUnderWay = 4_096
/** What the thread does not tell by then, it will not tell. */
const graceMs = 5_000
const startMs = 30_000
const pulseMs = 2_000
const closeMs = 2_000
/** A thread that lived so long begins with a short backoff again. */
const stableMs = 10_000
/** A heap that runs over costs this thread; without a limit of its own it would be that of the process. */
const heapMb = 512

interface Flight {
  readonly id: number
  readonly job: GatewayJob
  readonly deadline: number
  /** How often it was given to a thread. */
  sent: number
  settle(end: GatewayAnswer | VigilError): void
}

/** One life of the thread. */
interface Life {
  readonly worker: Worker
  readonly begunAt: number
  alive: boolean
  /** Armed while a sign of life is awaited. */
  pulse: Timer | undefined
}

export function gatewayLink({ clock, tell = () => undefined, module = threadModule }: GatewayOptions): GatewayLink {
  const flights = new Map<number, Flight>()
  const ownPorts = new Map<number, number>()
  let life: Life | undefined
  let restart: Timer | undefined
  let deaths = 0
  let ids = 0
  let closing: Promise<void> | undefined

  const post = (message: ToGateway, handedOver: (ArrayBuffer | MessagePort)[] = []): void =>
    life?.worker.postMessage(message, handedOver)
  const postPorts = (): void => post({ kind: 'own_ports', ports: [...ownPorts.keys()] })

  const launch = (flight: Flight): void => {
    flight.sent += 1
    const leftMs = Math.max(0, flight.deadline - clock.monotonic())
    const { message, handedOver } = flight.job.message(flight.id, leftMs)
    post(message, handedOver)
  }

  const heard = (mine: Life, message: FromGateway): void => {
    if (mine !== life) return
    mine.pulse?.cancel()
    mine.pulse = undefined
    if (message.kind === 'alive') return
    const flight = flights.get(message.id)
    if (message.kind !== 'failure') return flight?.settle(message)
    const { code, message: text, details } = message
    flight?.settle(new VigilError(code, text, details === undefined ? {} : { details }))
  }

  /** What does not answer is as good as dead, and may be in a loop that only its end ends. */
  const watch = (mine: Life, patienceMs: number): void => {
    mine.pulse ??= clock.setTimer(patienceMs, () => died(mine, `gave no sign of life for ${patienceMs} ms`))
  }

  const suspect = (): void => {
    if (life === undefined) return
    post({ kind: 'ping' })
    watch(life, pulseMs)
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

  const bereave = ({ job, sent, settle }: Flight): void => {
    if (sent === 0 || (job.repeatable && sent === 1)) return
    settle(job.failure(job.repeatable ? 'died_twice' : 'died'))
  }

  const take = (job: GatewayJob, signal: AbortSignal): Promise<GatewayAnswer> =>
    new Promise((resolve, reject) => {
      ids += 1
      const id = ids
      const giveUp = (): void => {
        post({ kind: 'give_up', id })
        flight.settle(job.failure('given_up'))
      }
      const timer = clock.setTimer(job.timeoutMs + graceMs, () => {
        flight.settle(job.failure('late'))
        suspect()
      })
      const flight: Flight = {
        id,
        job,
        deadline: clock.monotonic() + job.timeoutMs,
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
    async ask(job, signal) {
      if (closing !== undefined) throw job.failure('closed')
      if (signal.aborted) throw job.failure('given_up')
      if (flights.size >= mostUnderWay) throw job.failure('crowded')
      return await take(job, signal)
    },
    attach(message, lane) {
      if (closing !== undefined) return lane.close()
      begin()
      post(message, [lane])
    },
    suspect,
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
    for (const { job, settle } of [...flights.values()]) settle(job.failure('closed'))
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
