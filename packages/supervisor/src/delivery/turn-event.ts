import type { AcceptedEvent } from '@vigil/protocol'
import type { ProcessFold, TurnFold } from '../fold/process-fold.ts'

/** What a turn hands to the agent: its event, or all of a batch as one. Undefined when none is there any more. */
export function turnEvent(process: ProcessFold, turn: Pick<TurnFold, 'eventIds' | 'batch'>): AcceptedEvent | undefined {
  const events = turn.eventIds.flatMap((id) => process.mailbox.get(id) ?? [])
  const [first] = events
  if (first === undefined || !turn.batch) return first
  const members = events.map(({ event_id, timestamp, payload, metadata }) => ({
    event_id,
    timestamp,
    payload,
    metadata,
  }))
  return { ...first, payload: { events: members }, metadata: { batch: members.length } }
}
