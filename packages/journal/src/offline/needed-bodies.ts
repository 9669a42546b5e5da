import { eventsOf, type JournalRecord, limits } from '@vigil/protocol'
import { referenceIn } from '../line-bodies.ts'

/**
 * Which bodies beside the log an event, an open turn, a dead letter or a memory still needs, as far as their records say: what is not needed
 * may have been taken away. Pure.
 */
export interface NeededBodies {
  see(record: JournalRecord): void
  /** By the name of each body: who needs it. */
  needed(): ReadonlyMap<string, string>
}

/** The name of a body under `blobs`. */
export const bodyName = (process: string, hash: string): string => `${process}/${hash}`

interface OpenTurn {
  attempt: number
  /** By its key the body of each outcome; a read is done anew by the next attempt. */
  readonly outcomes: Map<string, { readonly body: string; readonly rerun: boolean }>
}

interface Needs {
  /** The bodies of events that have not ended, and of dead letters. */
  readonly events: Map<string, string>
  /** All dead letters, the oldest first: so many are kept. */
  letters: string[]
  readonly turns: Map<string, OpenTurn>
  /** By its id the text of each entry of a memory. */
  readonly memory: Map<string, string>
}

export function neededBodies(): NeededBodies {
  const processes = new Map<string, Needs>()
  const needsOf = (process: string): Needs =>
    processes.getOrInsertComputed(process, () => ({
      events: new Map(),
      letters: [],
      turns: new Map(),
      memory: new Map(),
    }))

  return {
    see(record) {
      const hash = referenceIn(record)?.$blob
      const body = hash === undefined ? undefined : bodyName(record.process, hash)
      if (record.type === 'process.removed') processes.delete(record.process)
      else if (record.type === 'bus.published' || record.type === 'message.sent') {
        if (body === undefined) return
        const id = record.type === 'bus.published' ? record.data.event_id : record.data.message_id
        for (const { process } of record.data.deliveries) needsOf(process).events.set(id, body)
      } else if (record.type === 'memory.stored' || record.type === 'memory.forgotten') {
        const { id, space } = record.data
        const { memory } = needsOf(space === undefined ? record.process : `@memory/${space}`)
        if (record.type === 'memory.stored' && body !== undefined) memory.set(id, body)
        else memory.delete(id)
      } else seeOwn(needsOf(record.process), record, body)
    },
    needed() {
      const found = new Map<string, string>()
      for (const [process, { events, turns, memory }] of processes) {
        for (const [id, body] of memory) found.set(body, `entry ${id} of the memory of "${process}"`)
        for (const [id, body] of events) found.set(body, `event ${id} of "${process}"`)
        for (const [id, { outcomes }] of turns)
          for (const [key, { body }] of outcomes) found.set(body, `effect ${key} of turn ${id} of "${process}"`)
      }
      return found
    },
  }
}

function seeOwn(needs: Needs, record: JournalRecord, body: string | undefined): void {
  const turn = needs.turns.get(record.turn ?? '')
  switch (record.type) {
    case 'trigger.accepted':
      if (body !== undefined) needs.events.set(record.data.event.event_id, body)
      return
    case 'turn.started':
      if (turn === undefined) needs.turns.set(record.turn ?? '', { attempt: record.data.attempt, outcomes: new Map() })
      else if (turn.attempt !== record.data.attempt) forgetReads(turn)
      if (turn !== undefined) turn.attempt = record.data.attempt
      return
    case 'effect.completed':
      return keepOutcome(turn, record.data.key, body, record.data.rerun)
    case 'request.opened':
    case 'request.decided':
      return keepOutcome(turn, record.data.key, body)
    case 'request.expired':
      if (record.data.outcome !== undefined) turn?.outcomes.delete(record.data.key)
      return
    case 'turn.attempt_failed':
    case 'turn.parked':
      return turn === undefined ? undefined : forgetReads(turn)
    case 'turn.completed':
    case 'turn.cancelled':
      needs.turns.delete(record.turn ?? '')
      return forget(needs, eventsOf(record.data))
    case 'turn.dead_lettered':
      needs.turns.delete(record.turn ?? '')
      needs.letters.push(...eventsOf(record.data))
      return forget(needs, needs.letters.slice(0, -limits.deadLetters))
    case 'dead_letter.redelivered':
      forget(needs, [record.data.event_id])
      if (body !== undefined) needs.events.set(record.data.event.event_id, body)
      return
    case 'dead_letter.discarded':
      return forget(needs, record.data.event_ids)
  }
}

function keepOutcome(turn: OpenTurn | undefined, key: string, body: string | undefined, rerun = false): void {
  if (body === undefined) turn?.outcomes.delete(key)
  else turn?.outcomes.set(key, { body, rerun })
}

function forgetReads({ outcomes }: OpenTurn): void {
  for (const [key, { rerun }] of outcomes) if (rerun) outcomes.delete(key)
}

function forget(needs: Needs, eventIds: readonly string[]): void {
  for (const id of eventIds) needs.events.delete(id)
  if (eventIds.length > 0) needs.letters = needs.letters.filter((id) => !eventIds.includes(id))
}
