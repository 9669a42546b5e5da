import { Worker } from 'node:worker_threads'
import { limits } from '../wire/caps.ts'
import { type GuestBeat, type HubCommand, type HubReport, weighMs } from '../wire/hub-protocol.ts'
import { type LentMemory, lentMemory } from './lent-memory.ts'

/** One guest thread of a cell. */
export interface GuestThread {
  /** Gives it somebody to be. */
  place(command: Extract<HubCommand, { t: 'place' }>): void
  post(text: string): void
  readonly lent: LentMemory
  ask(): void
  terminate(): void
  beat(): GuestBeat
}

export interface ThreadListener {
  readonly report: (message: HubReport) => void
  /** A string of the guest's. */
  readonly say: (text: string) => void
  readonly ended: (end: Omit<Extract<HubReport, { t: 'ended' }>, 't' | 'slot'>) => void
}

export function openThread(
  { slot, runtime, oldGenerationMb, rights, isSpare }: Extract<HubCommand, { t: 'open' }>,
  { report, say, ended }: ThreadListener,
): GuestThread {
  const beats = new Int32Array(new SharedArrayBuffer(4))
  // The wrapper keeps `require` in a scope of the runtime: the global one is taken away before agent code runs.
  const source = `((require, module, exports) => {${runtime}\n})(require, module, exports)`
  const worker = new Worker(source, {
    eval: true,
    execArgv: ['--permission', ...rights],
    env: {},
    stdin: false,
    stdout: true,
    stderr: true,
    workerData: { beats, isSpare },
    resourceLimits: { maxOldGenerationSizeMb: oldGenerationMb },
  })
  let isOnline = false
  let isPlaced = false
  const tellStarted = (): void => {
    if (isOnline && isPlaced) report({ t: 'started', slot })
  }
  worker.on('online', () => {
    isOnline = true
    tellStarted()
  })
  const lent = lentMemory(worker)
  worker.on('message', (said: unknown) => {
    if (typeof said === 'string') say(said)
    else lent.takeBack((said as { readonly giveBack: number }).giveBack)
  })
  let failure: { message: string; stack?: string; code?: string } | undefined
  worker.on('error', (thrown: unknown) => {
    const { message, stack, code }: NodeJS.ErrnoException = thrown instanceof Error ? thrown : new Error(String(thrown))
    failure = { message, ...(stack === undefined ? {} : { stack }), ...(code === undefined ? {} : { code }) }
  })
  const quotas = (['stdout', 'stderr'] as const).map((stream) =>
    relayOutput(worker[stream], (text) => report({ t: 'output', slot, stream, text })),
  )
  worker.on('exit', (code) => {
    clearInterval(scales)
    lent.takeBackAll()
    for (const stop of quotas) stop()
    ended({ code, ...(failure === undefined ? {} : { error: failure }) })
  })

  let utilisation = worker.performance.eventLoopUtilization()
  let told = 0
  /** One at a time: each that waits adds a listener to the worker. While it waits nothing is known. */
  let isWeighing = false
  let scales: ReturnType<typeof setInterval> | undefined
  const weigh = async (): Promise<void> => {
    if (isWeighing) return
    isWeighing = true
    try {
      const { used_heap_size, external_memory } = await worker.getHeapStatistics()
      const bytes = used_heap_size + external_memory
      if (Math.abs(bytes - told) < 1_048_576) return
      told = bytes
      report({ t: 'weighed', slot, bytes })
    } catch {
      // It has ended.
    } finally {
      isWeighing = false
    }
  }

  return {
    place(command) {
      isPlaced = true
      if (command.weigh) scales = setInterval(() => void weigh(), weighMs)
      worker.postMessage({ boot: command.boot })
      tellStarted()
    },
    post: (text) => worker.postMessage(text),
    lent,
    ask: () => worker.postMessage({ ask: true }),
    terminate: () => void worker.terminate(),
    beat() {
      const before = utilisation
      utilisation = worker.performance.eventLoopUtilization()
      const { utilization } = worker.performance.eventLoopUtilization(utilisation, before)
      return { slot, beats: isPlaced ? Atomics.load(beats, 0) : 0, loop: Math.round(utilization * 100) / 100 }
    },
  }
}

/** Whole lines, at most so many a second: an agent that prints without end must not fill the wire. */
function relayOutput(source: NodeJS.ReadableStream, tell: (text: string) => void): () => void {
  let allowed: number = limits.linesPerSecond
  let dropped = 0
  const second = setInterval(() => {
    if (dropped > 0) tell(`${dropped} lines more were dropped`)
    allowed = limits.linesPerSecond
    dropped = 0
  }, 1_000)
  source.setEncoding('utf8')
  source.on('data', (text: string) => {
    for (const line of text.split('\n')) {
      if (line === '') continue
      if (allowed > 0) tell(line.slice(0, limits.lineBytes))
      else dropped += 1
      allowed -= 1
    }
  })
  return () => clearInterval(second)
}
