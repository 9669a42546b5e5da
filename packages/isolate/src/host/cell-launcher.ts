import type { Bundle, CellLauncher, Clock, FileSystem, Random } from '@vigil/protocol'
import { type LivingCell, startCell } from './cell.ts'
import { runNotes } from './run-notes.ts'

export interface CellLauncherOptions {
  readonly clock: Clock
  readonly random: Random
  readonly fileSystem: FileSystem
  /** The program of a cell's main thread, bundled. */
  readonly hub: Bundle
  /** Where living cells are noted (DATA/run); without it nothing is left for a successor to find. */
  readonly runDirectory?: string
  /** What guests print. */
  readonly output?: (process: string, stream: 'stdout' | 'stderr', text: string) => void
}

const closeMs = 5_000

/** Starts each guest in a process of its own under node's permission model, with an empty environment. */
export function cellLauncher(options: CellLauncherOptions): CellLauncher {
  const { clock, random, hub } = options
  const notes = runNotes(options.fileSystem, options.runDirectory)
  const living = new Set<LivingCell>()

  return {
    launch(spec, listener) {
      const cell = startCell(spec, listener, { clock, random, hub, notes, output: options.output ?? (() => undefined) })
      living.add(cell)
      void cell.gone.then(() => living.delete(cell))
      return cell
    },
    endOrphans: () => notes.endOrphans(),
    async close() {
      for (const cell of living) cell.kill({ kind: 'shutdown' })
      let timer: ReturnType<Clock['setTimer']> | undefined
      const patience = new Promise<void>((resolve) => {
        timer = clock.setTimer(closeMs, resolve)
      })
      await Promise.race([Promise.all([...living].map((cell) => cell.gone)), patience])
      timer?.cancel()
    },
  }
}
