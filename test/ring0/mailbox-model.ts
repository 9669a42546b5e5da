import { eventsOf, type JournalRecord } from '@vigil/protocol'

/**
 * What a mailbox, its lanes and its turns are, in a hundred lines: a machine that reads the log of one process and refuses every
 * record that should not be. It knows no journal, no guest and no crash, because none of them may change what it sees.
 */
export interface Rules {
  readonly name: string
  readonly concurrency: number
  readonly maxRetries: number
  /** The most events of one batch; 1 for none. */
  readonly batch: number
  readonly laneOf: (payload: unknown) => string | undefined
}

interface Letter {
  readonly id: string
  readonly lane: string | undefined
}

interface Turn {
  readonly letters: readonly Letter[]
  attempt: number
  failed: boolean
}

export function mailboxModel({ name, concurrency, maxRetries, batch, laneOf }: Rules) {
  const waiting: Letter[] = []
  const open = new Map<string, Turn>()
  const dead = new Set<string>()
  const ended = new Map<string, string>()

  const expect = (fact: boolean, what: string): void => {
    if (!fact) throw new Error(`the model expects ${what}`)
  }
  const accept = (id: string, payload: unknown): void => {
    expect(!waiting.some((each) => each.id === id) && !ended.has(id), `${id} to be new`)
    waiting.push({ id, lane: laneOf(payload) })
  }

  const begin = (turn: string, ids: readonly string[]): void => {
    const letters = ids.map((id) => waiting.find((each) => each.id === id))
    const [first] = letters
    if (first === undefined) throw new Error(`the model expects ${ids} to wait`)
    // First in, first out: nobody of the same lane has waited longer.
    const sameLane = waiting.filter((each) => each.lane === first.lane).slice(0, ids.length)
    expect(
      sameLane.every((each, index) => each.id === ids[index]),
      `${sameLane.map(({ id }) => id)} before ${ids}`,
    )
    expect(ids.length <= batch, `at most ${batch} events in a turn`)
    const beside = [...open.values()].filter(({ letters: [each] }) => each?.lane === first.lane).length
    expect(beside < (first.lane === undefined ? concurrency : 1), `lane ${first.lane} to be free`)
    for (const letter of sameLane) waiting.splice(waiting.indexOf(letter), 1)
    open.set(turn, { letters: sameLane, attempt: 1, failed: false })
  }

  const end = (id: string | undefined, ids: readonly string[], how: string): void => {
    const turn = open.get(id ?? '')
    open.delete(id ?? '')
    for (const event of ids) {
      const place = waiting.findIndex((each) => each.id === event)
      const held = turn?.letters.some((each) => each.id === event) === true
      expect(held || (how === 'cancelled' && place !== -1), `${event} to be open when it is ${how}`)
      if (place !== -1) waiting.splice(place, 1)
      expect(!ended.has(event), `${event} to end once`)
      ended.set(event, how)
    }
  }

  const started = (turn: string, attempt: number, ids: readonly string[]): void => {
    const known = open.get(turn)
    if (known === undefined) {
      expect(attempt === 1, 'the first attempt first')
      return begin(turn, ids)
    }
    // A crash goes on with the attempt, a throw ends it.
    expect(attempt === known.attempt + (known.failed ? 1 : 0), `attempt ${known.attempt} to go on or the next to begin`)
    expect(attempt <= maxRetries + 1, `no more than ${maxRetries} retries`)
    known.attempt = attempt
    known.failed = false
  }

  return {
    waiting: () => waiting.map(({ id }) => id),
    open: () => [...open.keys()],
    ended: (): ReadonlyMap<string, string> => ended,
    read(record: JournalRecord): void {
      const { turn = '' } = record
      if (record.process !== name && record.type !== 'bus.published') return
      switch (record.type) {
        case 'bus.published':
          for (const { process, event_id } of record.data.deliveries)
            if (process === name) accept(event_id, record.data.data)
          return
        case 'dead_letter.redelivered':
          expect(dead.delete(record.data.event_id), `${record.data.event_id} to be a dead letter`)
          return accept(record.data.event.event_id, (record.data.event.payload as { data: unknown }).data)
        case 'turn.started':
          return started(turn, record.data.attempt, eventsOf(record.data))
        case 'turn.attempt_failed': {
          const known = open.get(turn)
          expect(known?.failed === false && known.attempt === record.data.attempt, 'the attempt that runs to fail')
          if (known !== undefined) known.failed = true
          return
        }
        case 'turn.completed':
          return end(record.turn, eventsOf(record.data), 'completed')
        case 'turn.cancelled':
          return end(record.turn, eventsOf(record.data), 'cancelled')
        case 'turn.dead_lettered':
          for (const id of eventsOf(record.data)) dead.add(id)
          return end(record.turn, eventsOf(record.data), 'dead_lettered')
      }
    },
  }
}
