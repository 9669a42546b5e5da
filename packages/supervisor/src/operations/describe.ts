import { createRequire } from 'node:module'
import { cellLauncher } from '@vigil/isolate/host'
import { nodeFileSystem } from '@vigil/journal'
import type { Bundle, CellLauncher, Clock, Guest, ToolDeclaration } from '@vigil/protocol'
import type { Manifest } from '../manifests/manifest.ts'
import { systemClock } from '../platform/clock.ts'
import { piscinaCompute } from '../platform/compute.ts'
import { systemRandom } from '../platform/random.ts'
import { guestSpec, parseGuestMessage } from '../processes/guest-words.ts'
import { moduleOf } from '../runtime/module-of.ts'

/** What a module says of itself when it is loaded, or why it cannot be. */
export type Described = { readonly tools: readonly ToolDeclaration[] } | { readonly failed: string }

const require = createRequire(import.meta.url)
const longestMs = 30_000

/** Loads the module of each manifest in a cell of its own, one after the other, and runs nothing of it. */
export async function describeModules(manifests: readonly Manifest[]): Promise<Described[]> {
  if (manifests.length === 0) return []
  const clock = systemClock()
  const compute = piscinaCompute({ alias: { '@vigil/agent': require.resolve('@vigil/agent') } })
  try {
    const [hub, guestRuntime] = await Promise.all([
      compute.bundle(require.resolve('@vigil/isolate/hub')),
      compute.bundle(require.resolve('@vigil/agent/guest')),
    ])
    const cells = cellLauncher({ clock, random: systemRandom(), fileSystem: nodeFileSystem(), hub })
    try {
      const described: Described[] = []
      for (const manifest of manifests) {
        const module = await moduleOf(manifest, compute).catch((error: Error) => ({ failed: error.message }))
        described.push('failed' in module ? module : await loaded({ cells, clock, guestRuntime, module }, manifest))
      }
      return described
    } finally {
      await cells.close()
    }
  } finally {
    await compute.close()
    clock.close()
  }
}

interface LoadParts {
  readonly cells: CellLauncher
  readonly clock: Clock
  readonly guestRuntime: Bundle
  readonly module: Bundle
}

function loaded({ cells, clock, guestRuntime, module }: LoadParts, manifest: Manifest): Promise<Described> {
  const { promise, resolve } = Promise.withResolvers<Described>()
  let described: Described | undefined
  const end = (found: Described): void => {
    described ??= found
    guest.kill({ kind: 'shutdown' })
  }
  const timer = clock.setTimer(longestMs, () => end({ failed: `it was not loaded within ${longestMs / 1_000} s` }))
  // No life of the process: those have epochs from 1 on.
  const nobody = { name: manifest.name, epoch: 0, manifest }
  const guest: Guest = cells.launch(guestSpec({ process: nobody, module, guestRuntime, env: {}, alone: true }), {
    started: () => undefined,
    message(text) {
      const message = parseGuestMessage(text)
      if (message?.t === 'ready') end({ tools: message.tools ?? [] })
      else if (message?.t === 'unready') end({ failed: message.error.message })
    },
    exited(cause) {
      timer.cancel()
      resolve(described ?? { failed: `its cell ended: ${JSON.stringify(cause)}` })
    },
  })
  return promise
}
