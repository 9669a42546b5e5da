import { createHash } from 'node:crypto'
import { Script } from 'node:vm'
import { type Compute, VigilError } from '@vigil/protocol'

/** Compute without threads or files: "bundles" are CommonJS texts in memory. */
export interface SimulatedCompute extends Compute {
  /** Puts or replaces the module at an absolute path; a text with a syntax error fails to bundle. */
  put(entrypoint: string, code: string): void
}

/** Serves the given modules, absolute path -> CommonJS code. */
export function simulatedCompute(modules: Readonly<Record<string, string>> = {}): SimulatedCompute {
  const standing = new Map(Object.entries(modules))
  let closed = false

  const assertOpen = (): void => {
    if (closed) throw new VigilError('STOPPING', 'the compute pool is closed')
  }

  return {
    put: (entrypoint, code) => void standing.set(entrypoint, code),
    async bundle(entrypoint) {
      assertOpen()
      const code = standing.get(entrypoint)
      if (code === undefined)
        throw new VigilError('BUNDLE_FAILED', `${entrypoint}: expected a module, found nothing there`)
      try {
        // Only parsed: the function is never called.
        new Function('module', 'exports', 'require', code)
      } catch (error) {
        throw new VigilError('BUNDLE_FAILED', `${entrypoint}:1:1: ${(error as Error).message}`, { cause: error })
      }
      return { hash: createHash('sha256').update(code).digest('hex'), code }
    },
    async compile(source) {
      assertOpen()
      return new Script(source).createCachedData().toString('base64')
    },
    async close() {
      closed = true
    },
  }
}
