import type { JournalRecord } from '@vigil/protocol'
import type { World } from '../fold/world.ts'

/**
 * Whether a record, about to be folded, says that an effect was made again although it is on record: a second intent, or a second
 * outcome. What the next attempt may do again, and what a person has let be made again, is no longer known by then.
 */
export function isRepeated(world: World, record: JournalRecord): boolean {
  const effects = world.get(record.process)?.turns.get(record.turn ?? '')?.effects
  switch (record.type) {
    case 'effect.intended':
      return effects?.has(record.data.key) ?? false
    case 'bus.published':
    case 'message.sent':
    case 'memory.stored':
    case 'memory.forgotten':
      return record.data.key !== undefined && (effects?.has(record.data.key) ?? false)
    case 'effect.completed':
      return effects?.get(record.data.key)?.outcome !== undefined
    default:
      return false
  }
}
