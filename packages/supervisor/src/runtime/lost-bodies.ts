import type { BodyReference, ProcessName, RecordDraft } from '@vigil/protocol'
import { goneBody } from '../fold/needed-bodies.ts'
import { type ProcessFold, turnOf } from '../fold/process-fold.ts'
import { endOf } from '../processes/turn-end.ts'

type End = Extract<RecordDraft, { type: 'turn.dead_lettered' }>

/**
 * The ends of events and open turns whose bodies are gone from beside the log: to go on would be to act on what nobody sent or
 * answered, and to wait for them would hold up everybody else.
 */
export function endsOfLostBodies(process: ProcessFold): End[] {
  const ends: End[] = []
  const inTurns = new Set<string>()
  for (const turn of process.turns.values()) {
    for (const id of turn.eventIds) inTurns.add(id)
    const mailbox = new Map(turn.eventIds.flatMap((id) => entryOf(process, id)))
    const gone = goneBody({ mailbox, deadLetters: [], turns: new Map([[turn.turn, turn]]) })
    if (gone !== undefined) ends.push(end(process, turn.turn, { ...endOf(turn), attempts: turn.attempt }, gone))
  }
  for (const event_id of process.mailbox.keys()) {
    if (inTurns.has(event_id)) continue
    const gone = goneBody({ mailbox: new Map(entryOf(process, event_id)), deadLetters: [], turns: new Map() })
    if (gone !== undefined) ends.push(end(process, turnOf(event_id), { event_id, attempts: 0 }, gone))
  }
  return ends
}

const entryOf = ({ mailbox }: ProcessFold, id: string) => {
  const event = mailbox.get(id)
  return event === undefined ? [] : [[id, event] as const]
}

function end(
  { name, epoch }: ProcessFold,
  turn: string,
  about: Pick<End['data'], 'event_id' | 'event_ids' | 'attempts'>,
  { $blob: blob, bytes }: BodyReference,
): End {
  const message = `expected the body ${blob} of ${bytes} bytes under DATA/blobs; it is gone or damaged`
  const error = { code: 'BODY_LOST', message, details: { blob, bytes } }
  const data = { ...about, reason: 'body_lost', error }
  return { process: name as ProcessName, epoch, type: 'turn.dead_lettered', turn, data }
}
