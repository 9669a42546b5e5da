import type { AgentContext } from '../context.ts'
import type { Effects } from './effects.ts'

/** `ctx.memory`: three system calls. */
export function agentMemory(effects: Effects): AgentContext['memory'] {
  return {
    async store(text, { tags, key } = {}) {
      return (await effects.call('memory.store', key ?? '', {
        text,
        ...(tags === undefined ? {} : { tags: [...tags] }),
        ...(key === undefined ? {} : { key }),
      })) as never
    },
    async search(query, { max, minScore, tags } = {}) {
      return (await effects.call('memory.search', '', {
        query,
        ...(max === undefined ? {} : { max }),
        ...(minScore === undefined ? {} : { min_score: minScore }),
        ...(tags === undefined ? {} : { tags: [...tags] }),
      })) as never
    },
    async forget(which) {
      return (await effects.call('memory.forget', '', typeof which === 'string' ? { id: which } : which)) as never
    },
  }
}
