import type { Checkpoint, JournalStore } from '@vigil/protocol'
import { unpackRow } from '../fold/packed-row.ts'
import type { World } from '../fold/world.ts'

interface RestoredCheckpoint {
  readonly checkpoint: Checkpoint | undefined
  readonly world: World
  /** Each row is of an instant of its own, at or behind the beginning of its round: what it holds is not applied again. */
  readonly rowSeqs: ReadonlyMap<string, number>
}

/** The newest checkpoint whose rows can be restored: of one that another version wrote, the one before or the log says the same. */
export async function restoredCheckpoint(journal: JournalStore): Promise<RestoredCheckpoint> {
  let checkpoint = await journal.loadCheckpoint()
  while (checkpoint !== undefined) {
    const rows = restoredRows(checkpoint)
    if (rows !== undefined) return { checkpoint, ...rows }
    checkpoint = await journal.loadCheckpoint(checkpoint.seq)
  }
  return { checkpoint, world: new Map(), rowSeqs: new Map() }
}

function restoredRows({ rows }: Checkpoint): Pick<RestoredCheckpoint, 'world' | 'rowSeqs'> | undefined {
  const world: World = new Map()
  const rowSeqs = new Map<string, number>()
  try {
    for (const [name, row] of rows) {
      const { process, seq } = unpackRow(row)
      world.set(name, process)
      rowSeqs.set(name, seq)
    }
    return { world, rowSeqs }
  } catch {
    return undefined
  }
}
