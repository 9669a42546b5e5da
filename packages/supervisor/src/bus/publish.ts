import { type Clock, type Random, runtimeProcess } from '@vigil/protocol'
import { jsonOf } from '../delivery/json-of.ts'
import { subscribers } from '../delivery/routing.ts'
import type { RecordLog } from '../runtime/record-log.ts'

/** A publication that no turn makes; resolves when it is durable, with the number of mailboxes that it reached. */
export async function publish(
  { log, random, clock }: { readonly log: RecordLog; readonly random: Random; readonly clock: Clock },
  { topic, data, source }: { readonly topic: string; readonly data: unknown; readonly source: string },
): Promise<{ readonly eventId: string; readonly deliveries: number }> {
  const event_id = random.uuid()
  const timestamp = new Date(clock.now()).toISOString()
  const publication = { event_id, topic, data: jsonOf(data ?? null), source, timestamp }
  const deliveries = subscribers(log.world, publication)
  await log.commitDurably([
    { process: runtimeProcess, epoch: 0, type: 'bus.published', data: { ...publication, deliveries } },
  ])
  return { eventId: event_id, deliveries: deliveries.length }
}
