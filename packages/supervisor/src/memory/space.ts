import { hash } from 'node:crypto'
import { limits, VigilError } from '@vigil/protocol'
import { entryBytes, memoryRow } from '../fold/memory-fold.ts'
import { type MemoryEntry, type ProcessFold, rowBeside } from '../fold/process-fold.ts'
import type { World } from '../fold/world.ts'
import type { Manifest } from '../manifests/manifest.ts'

type Memory = NonNullable<Manifest['memory']>

/** The row of the memory that a process sees; one that nobody has stored in yet is empty. */
export function rowFor(world: World, process: ProcessFold): ProcessFold {
  const name = memoryRow(process)
  return world.get(name) ?? rowBeside(name)
}

/** @throws MEMORY_DISABLED */
export function memoryOf({ name, manifest: { memory } }: ProcessFold): Memory {
  if (memory !== undefined) return memory
  throw new VigilError('MEMORY_DISABLED', `"${name}" has no memory; add to the manifest: memory: { enabled: true }`)
}

/** Which memory a record speaks of. */
export const spaceOf = ({ share }: Pick<Memory, 'share'>): { space?: string } =>
  share === undefined ? {} : { space: share }

/** The same for the same call after a crash, and for all that is stored under one key. */
export const entryId = (...of: readonly string[]): string => `m-${hash('sha256', of.join('\n')).slice(0, 20)}`

/** Why an entry, or `more` beside those that are there, does not fit: TOO_LARGE or MEMORY_FULL. */
export function misfit(
  { memory, memoryBytes }: Pick<ProcessFold, 'memory' | 'memoryBytes'>,
  entry: Pick<MemoryEntry, 'id' | 'text' | 'tags'>,
  { isEmbedded = false, more }: { readonly isEmbedded?: boolean; readonly more?: number } = {},
): VigilError | undefined {
  const bytes = Buffer.byteLength(entry.text)
  if (bytes > limits.memoryTextBytes)
    return new VigilError('TOO_LARGE', `the text has ${bytes} bytes, at most ${limits.memoryTextBytes} are remembered`)
  const before = memory.get(entry.id)
  if (before === undefined && memory.size >= limits.memoryEntries)
    return new VigilError('MEMORY_FULL', `the memory holds ${memory.size} entries, and no more are taken`)
  const after = memoryBytes + (more ?? entryBytes(entry) - (before === undefined ? 0 : entryBytes(before)))
  const most = isEmbedded ? limits.embeddedMemoryBytes : limits.memoryBytes
  if (after > most)
    return new VigilError('MEMORY_FULL', `the memory would hold ${after} bytes, at most ${most} are taken`)
  return undefined
}
