import type { JournalRecord } from '@vigil/protocol'
import { spaceOf } from './memory-fold.ts'
import type { World } from './world.ts'

/**
 * Whom a record changes: its own process, every receiver, purse and shared memory that it names, and a step of the clock everybody. Nothing but this decides which checkpoint rows
 * are old, so a fold may look at no other.
 */
export function touched(world: World, record: JournalRecord): Set<string> {
  if (record.type === 'clock.stepped' || record.type === 'clock.confirmed')
    return new Set([record.process, ...world.keys()])
  const names = new Set<string>([record.process])
  if (record.type === 'bus.published' || record.type === 'message.sent')
    for (const delivery of record.data.deliveries) names.add(delivery.process)
  if ('purses' in record.data) for (const name of record.data.purses ?? []) names.add(name)
  const space = spaceOf(record)
  if (space !== undefined) names.add(space)
  return names
}
