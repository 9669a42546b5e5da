import { hash } from 'node:crypto'
import { limits, type ProcessName, VigilError } from '@vigil/protocol'
import { entryBytes, memoryRow } from '../fold/memory-fold.ts'
import { type ProcessFold, rowBeside } from '../fold/process-fold.ts'
import type { World } from '../fold/world.ts'
import type { CallSite, InsideEffect, ReadEffect } from '../gate/effect.ts'
import type { Manifest } from '../manifests/manifest.ts'
import type { MemoryIndexes } from './memory-indexes.ts'
import { best, ranked } from './search.ts'

/** `ctx.memory`: what is stored stays, whatever becomes of the turn. */
export interface MemoryEffects {
  readonly inside: {
    readonly 'memory.store': InsideEffect<'memory.store'>
    readonly 'memory.forget': InsideEffect<'memory.forget'>
  }
  readonly reads: { readonly 'memory.search': ReadEffect<'memory.search'> }
}

export function memoryEffects(world: World, indexes: MemoryIndexes): MemoryEffects {
  return {
    inside: {
      'memory.store': {
        record(site, { text, tags = [], key: entryKey }) {
          const memory = memoryOf(site.process)
          const id =
            entryKey === undefined ? idOf('call', site.process.name, site.turn.turn, site.key) : idOf('key', entryKey)
          assertRoom(rowFor(world, site.process), { id, text, tags })
          const named = entryKey === undefined ? {} : { entry_key: entryKey }
          const marked = tags.length === 0 ? {} : { tags: [...new Set(tags)] }
          const data = { id, text, ...marked, ...named, ...spaceOf(memory), key: site.key }
          return { ...author(site), type: 'memory.stored', data }
        },
      },
      'memory.forget': {
        record(site, which) {
          const memory = memoryOf(site.process)
          const id = 'id' in which ? which.id : idOf('key', which.key)
          const was_there = rowFor(world, site.process).memory.has(id)
          return {
            ...author(site),
            type: 'memory.forgotten',
            data: { id, was_there, ...spaceOf(memory), key: site.key },
          }
        },
      },
    },
    reads: {
      'memory.search': {
        async prepare({ process }, { query }) {
          memoryOf(process)
          await indexes.prepare(rowFor(world, process), query)
        },
        read({ process }, { query, tags, ...asked }) {
          const { max, minScore } = memoryOf(process)
          const row = rowFor(world, process)
          const least = asked.min_score ?? minScore
          const found = ranked(row, indexes.scores(row, query), tags).filter(({ score }) => score >= least)
          return best(found, asked.max ?? max)
        },
      },
    },
  }
}

/** The row of the memory that a process sees; one that nobody has stored in yet is empty. */
export function rowFor(world: World, process: ProcessFold): ProcessFold {
  const name = memoryRow(process)
  return world.get(name) ?? rowBeside(name)
}

export const spaceOf = ({ share }: Pick<NonNullable<Manifest['memory']>, 'share'>): { space?: string } =>
  share === undefined ? {} : { space: share }

/** @throws MEMORY_DISABLED */
function memoryOf({ name, manifest: { memory } }: ProcessFold): NonNullable<Manifest['memory']> {
  if (memory !== undefined) return memory
  throw new VigilError('MEMORY_DISABLED', `"${name}" has no memory; add to the manifest: memory: { enabled: true }`)
}

/** The same for the same call after a crash, and for all that is stored under one key. */
const idOf = (...of: readonly string[]): string => `m-${hash('sha256', of.join('\n')).slice(0, 20)}`

/** @throws TOO_LARGE · MEMORY_FULL */
function assertRoom(
  { memory, memoryBytes }: ProcessFold,
  entry: { id: string; text: string; tags: readonly string[] },
): void {
  const bytes = Buffer.byteLength(entry.text)
  if (bytes > limits.memoryTextBytes)
    throw new VigilError('TOO_LARGE', `the text has ${bytes} bytes, at most ${limits.memoryTextBytes} are remembered`)
  const before = memory.get(entry.id)
  const after = memoryBytes + entryBytes(entry) - (before === undefined ? 0 : entryBytes(before))
  if (before === undefined && memory.size >= limits.memoryEntries)
    throw new VigilError('MEMORY_FULL', `the memory holds ${memory.size} entries, and no more are taken`)
  if (after > limits.memoryBytes)
    throw new VigilError('MEMORY_FULL', `the memory would hold ${after} bytes, at most ${limits.memoryBytes} are taken`)
}

const author = ({ process, turn }: CallSite) => ({
  process: process.name as ProcessName,
  epoch: process.epoch,
  turn: turn.turn,
})
