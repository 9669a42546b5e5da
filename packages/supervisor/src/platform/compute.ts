import { isAbsolute } from 'node:path'
import { type Compute, limits, VigilError } from '@vigil/protocol'
import { Piscina } from 'piscina'
import type { BundleAnswer, BundleTask } from './compute-worker.ts'

/**
 * CPU work of core on a small pool: threads start with the first task and go when there is none. A task that
 * never returns costs its own thread and its own promise, nobody else's.
 */
export interface PiscinaComputeOptions {
  /** Import specifier -> absolute path of the module that stands for it, in every bundle: `@vigil/agent`. */
  readonly alias?: Readonly<Record<string, string>>
  /** Running time of one task. Default 60,000. */
  readonly timeoutMs?: number
}

const threads = 2
const idleMs = 10_000
/** A fleet of 10,000 agents that all start at once must find room. */
const longestQueue = 20_000

/** Bundles with esbuild, compiles with V8. After `close` every call rejects with STOPPING. */
export function piscinaCompute({ alias = {}, timeoutMs = 60_000 }: PiscinaComputeOptions = {}): Compute {
  let pool: Piscina | undefined
  let closing: Promise<void> | undefined

  const run = async <Answer>(name: string, task: unknown): Promise<Answer> => {
    if (closing !== undefined) throw stopping()
    pool ??= new Piscina({
      filename: new URL('./compute-worker.ts', import.meta.url).href,
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: idleMs,
      maxQueue: longestQueue,
      // Busy-waiting on Atomics would make threads deaf to destroy() and to each other's messages.
      atomics: 'disabled',
      // With threads of its own esbuild keeps a service process, which outlives the pool as a zombie: nobody is left to
      // reap it. Without, each build is one process that has ended when the build returns.
      env: { ESBUILD_WORKER_THREADS: '0' },
    })
    const deadline = new AbortController()
    // Time in the queue is not the task's own: everybody ahead may use up a full running time.
    const patienceMs = timeoutMs * (1 + Math.ceil(pool.queueSize / threads))
    const timer = setTimeout(() => deadline.abort(), patienceMs)
    try {
      return await pool.run(task, { name, signal: deadline.signal })
    } catch (error) {
      if (closing !== undefined) throw stopping(error)
      if (deadline.signal.aborted)
        throw new VigilError('INTERNAL', `${name} did not end within ${patienceMs} ms`, { cause: error })
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    async bundle(entrypoint) {
      if (!isAbsolute(entrypoint))
        throw new VigilError('BUNDLE_FAILED', `expected an absolute path of a module, found "${entrypoint}"`)
      const answer = await run<BundleAnswer>('bundle', { entrypoint, alias } satisfies BundleTask)
      if (!answer.ok) throw new VigilError('BUNDLE_FAILED', answer.message)
      const bytes = Buffer.byteLength(answer.bundle.code)
      if (bytes <= limits.bodyBytes) return answer.bundle
      throw new VigilError(
        'BUNDLE_FAILED',
        `${entrypoint}: the bundle has ${bytes} bytes, at most ${limits.bodyBytes} fit: import less`,
      )
    },
    compile: (source) => run<string>('compile', source),
    close() {
      closing ??= pool?.destroy() ?? Promise.resolve()
      return closing
    },
  }
}

const stopping = (cause?: unknown): VigilError => new VigilError('STOPPING', 'the compute pool is closed', { cause })
