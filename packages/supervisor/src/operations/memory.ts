import { type ProcessName, VigilError } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { MemoryIndexes } from '../memory/memory-indexes.ts'
import type { MemoryPage, MemoryQuery } from '../memory/memory-surface.ts'
import { byRank, type FoundEntry, type Rank, ranked } from '../memory/search.ts'
import { rowFor, spaceOf } from '../memory/space.ts'
import type { RecordLog } from '../runtime/record-log.ts'

interface Parts {
  readonly log: RecordLog
  readonly memoryIndexes: MemoryIndexes
}

/** What people see of a memory: the newest first, or the best for a query. */
export async function readMemory(
  { log, memoryIndexes }: Parts,
  process: ProcessFold,
  { query = '', limit = 100, cursor }: MemoryQuery,
): Promise<MemoryPage> {
  const row = rowFor(log.world, process)
  await memoryIndexes.prepare(row, query)
  const found = ranked(row, memoryIndexes.scores(row, query))
  const behind = cursor === undefined ? undefined : rankOf(cursor)
  const rest = behind === undefined ? found : found.filter((entry) => byRank(entry, behind) > 0)
  const entries = rest.slice(0, limit)
  const last = entries.at(-1)
  const { share } = process.manifest.memory ?? {}
  const page = {
    enabled: process.manifest.memory !== undefined,
    ...(share === undefined ? {} : { share }),
    total: row.memory.size,
    bytes: row.memoryBytes,
    entries,
    next: last === undefined || rest.length <= limit ? null : cursorOf(last),
  }
  await log.settled()
  return page
}

/** An entry that nobody shall remember any more. @throws MEMORY_NOT_FOUND */
export async function forgetMemory(
  { log }: Pick<Parts, 'log'>,
  process: ProcessFold,
  { id, by }: { readonly id: string; readonly by: string },
): Promise<void> {
  if (!rowFor(log.world, process).memory.has(id))
    throw new VigilError('MEMORY_NOT_FOUND', `the memory of "${process.name}" has no entry ${id}`)
  const data = { id, was_there: true, ...spaceOf(process.manifest.memory ?? {}), by }
  const author = { process: process.name as ProcessName, epoch: process.epoch }
  await log.commitDurably([{ ...author, type: 'memory.forgotten', data }])
}

/** Where a page ended: entries that come or go between two pages move nothing. */
const cursorOf = ({ score, at, id }: FoundEntry): string =>
  Buffer.from(JSON.stringify([score, at, id])).toString('base64url')

function rankOf(cursor: string): Rank {
  try {
    const [score, at, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as [number, string, string]
    if (typeof score === 'number' && typeof at === 'string' && typeof id === 'string') return { score, at, id }
  } catch {
    // Said below.
  }
  throw new VigilError('INVALID_ARGUMENT', 'cursor: expected the `next` of a page before')
}
