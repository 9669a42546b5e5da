import { type Clock, limits, type ProcessName } from '@vigil/protocol'
import type { World } from '../fold/world.ts'
import type { CallSite, InsideEffect, ReadEffect } from '../gate/effect.ts'
import type { Embedding } from './embedding.ts'
import type { MemoryIndexes } from './memory-indexes.ts'
import { best, fused, ranked } from './search.ts'
import { entryId, memoryOf, misfit, rowFor, spaceOf } from './space.ts'
import { type Nearness, nearness } from './vectors.ts'

/** `ctx.memory`: what is stored stays, whatever becomes of the turn. */
export interface MemoryEffects {
  readonly inside: {
    readonly 'memory.store': InsideEffect<'memory.store'>
    readonly 'memory.forget': InsideEffect<'memory.forget'>
  }
  readonly reads: { readonly 'memory.search': ReadEffect<'memory.search'> }
}

export interface MemoryParts {
  readonly world: World
  readonly clock: Clock
  readonly indexes: MemoryIndexes
  readonly vectors: Embedding
}

export function memoryEffects({ world, clock, indexes, vectors }: MemoryParts): MemoryEffects {
  return {
    inside: {
      'memory.store': {
        record(site, { text, tags = [], key: entryKey }) {
          const memory = memoryOf(site.process)
          const id =
            entryKey === undefined
              ? entryId('call', site.process.name, site.turn.turn, site.key)
              : entryId('key', entryKey)
          const isEmbedded = memory.embeddings !== undefined
          const refused = misfit(rowFor(world, site.process), { id, text, tags }, { isEmbedded })
          if (refused !== undefined) throw refused
          const named = entryKey === undefined ? {} : { entry_key: entryKey }
          const marked = tags.length === 0 ? {} : { tags: [...new Set(tags)] }
          const data = { id, text, ...marked, ...named, ...spaceOf(memory), key: site.key }
          return { ...author(site), type: 'memory.stored', data }
        },
        after: (site, record) =>
          record.type === 'memory.stored' ? vectors.entry(site, record.data.id) : Promise.resolve(),
      },
      'memory.forget': {
        record(site, which) {
          const memory = memoryOf(site.process)
          const id = 'id' in which ? which.id : entryId('key', which.key)
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
        async prepare(site, { query }) {
          const { process } = site
          memoryOf(process)
          await indexes.prepare(rowFor(world, process), query)
          const question = await vectors.question(site, query)
          return question === undefined ? null : await nearness(rowFor(world, process), question, clock)
        },
        read({ process }, { query, tags, ...asked }, near) {
          const { max, minScore } = memoryOf(process)
          const row = rowFor(world, process)
          const least = asked.min_score ?? minScore
          const which = { tags, most: limits.memoryResults }
          const byWords = ranked(row, indexes.scores(row, query), which)
          const found = near === null ? byWords : fused(byWords, ranked(row, near as Nearness, which))
          return best(
            found.filter(({ score }) => score >= least),
            asked.max ?? max,
          )
        },
      },
    },
  }
}

const author = ({ process, turn }: CallSite) => ({
  process: process.name as ProcessName,
  epoch: process.epoch,
  turn: turn.turn,
})
