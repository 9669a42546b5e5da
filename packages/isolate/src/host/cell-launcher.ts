import type { Bundle, CellLauncher, Clock, FileSystem, GuestSpec, Random } from '@vigil/protocol'
import { type Cell, startCell } from './cell.ts'
import { openIntake } from './intake.ts'
import { rightsOf } from './rights.ts'
import { runNotes } from './run-notes.ts'
import { spareCells } from './spare-cells.ts'

export interface CellLauncherOptions {
  readonly clock: Clock
  readonly random: Random
  readonly fileSystem: FileSystem
  /** The program of a cell's main thread, bundled. */
  readonly hub: Bundle
  /** Where living cells are noted (DATA/run); without it nothing is left for a successor to find. */
  readonly runDirectory?: string
  /** Guests of one trust group that share a cell at most. Default 8. */
  readonly cellSize?: number
  /** Threads that stand ready with this runtime: so many cells, and one in each shared cell. Default none. */
  readonly spares?: { readonly count: number; readonly runtime: Bundle }
  /** What guests print. */
  readonly output?: (process: string, stream: 'stdout' | 'stderr', text: string) => void
}

const closeMs = 5_000

/**
 * Starts guests as threads of child processes under node's permission model, with an empty environment: each in a cell of its own,
 * or with others of its trust group.
 */
export function cellLauncher(options: CellLauncherOptions): CellLauncher {
  const { clock, random, hub, cellSize = 8, output = () => undefined } = options
  const notes = runNotes(options.fileSystem, options.runDirectory)
  const intake = openIntake(() => clock.monotonic())
  const living = new Set<Cell>()
  const shared = new Map<string, Set<Cell>>()

  const start = ({ permissions, lends = false }: Pick<GuestSpec, 'permissions' | 'lends'> = {}): Cell => {
    const cell = startCell({ clock, random, hub, intake, notes, output, rights: rightsOf(permissions), lends })
    living.add(cell)
    void cell.gone.then(() => living.delete(cell))
    return cell
  }
  const spares = spareCells({ clock, start, ...options.spares })

  const vacantIn = (trustGroup: string): Cell => {
    const cells = shared.get(trustGroup) ?? new Set()
    shared.set(trustGroup, cells)
    for (const cell of cells) if (cell.takes(cellSize)) return cell
    const cell = spares.take() ?? start()
    cells.add(cell)
    void cell.gone.then(() => {
      cells.delete(cell)
      if (cells.size === 0 && shared.get(trustGroup) === cells) shared.delete(trustGroup)
    })
    return cell
  }

  return {
    launch(spec, listener) {
      const { trustGroup, permissions, lends } = spec
      if (permissions !== undefined || lends === true) return start(spec).seat(spec, listener, 1)
      if (trustGroup === undefined) return (spares.take() ?? start()).seat(spec, listener, 1)
      const cell = vacantIn(trustGroup)
      const guest = cell.seat(spec, listener, cellSize)
      spares.warm(cell, cellSize)
      return guest
    },
    endOrphans: () => notes.endOrphans(),
    async close() {
      spares.close()
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
