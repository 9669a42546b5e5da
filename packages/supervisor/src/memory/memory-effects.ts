import type { ProcessName } from '@vigil/protocol'
import type { World } from '../fold/world.ts'
import type { CallSite, InsideEffect, ReadEffect } from '../gate/effect.ts'
import type { MemoryIndexes } from './memory-indexes.ts'
import { best, ranked } from './search.ts'
import { entryId, memoryOf, misfit, rowFor, spaceOf } from './space.ts'

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
            entryKey === undefined
              ? entryId('call', site.process.name, site.turn.turn, site.key)
              : entryId('key', entryKey)
          const refused = misfit(rowFor(world, site.process), { id, text, tags })
          if (refused !== undefined) throw refused
          const named = entryKey === undefined ? {} : { entry_key: entryKey }
          const marked = tags.length === 0 ? {} : { tags: [...new Set(tags)] }
          const data = { id, text, ...marked, ...named, ...spaceOf(memory), key: site.key }
          return { ...author(site), type: 'memory.stored', data }
        },
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

const author = ({ process, turn }: CallSite) => ({
  process: process.name as ProcessName,
  epoch: process.epoch,
  turn: turn.turn,
})
