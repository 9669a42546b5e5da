import type { JournalStore } from '@vigil/protocol'

/**
 * Replies of one turn leave in the order of their records. The race without it: a publish (record 5) waits for the
 * disk, a step (record 6) need not, so the guest sees 6 before 5, and its replay, which follows the records, decides a
 * `Promise.race` the other way.
 */
export interface ReplyOrder {
  /**
   * Call it in the tick in which the turn's record was appended. `go` is called in that tick when there is nothing to
   * wait for, else when everything ahead has gone and record `durable` (if given) is on the disk; with the journal's
   * failure if it never will be.
   */
  leave(turn: string, durable: number | undefined, go: (failure?: Error) => void): void
}

interface Place {
  ready: boolean
  failure: Error | undefined
  readonly go: (failure?: Error) => void
}

export function replyOrder(journal: JournalStore): ReplyOrder {
  const lines = new Map<string, Place[]>()

  const wait = (turn: string, seq: number, place: Place): void => {
    const arrive = (failure?: Error): void => {
      place.ready = true
      place.failure = failure
      const line = lines.get(turn) ?? []
      for (let first = line[0]; first?.ready === true; first = line[0]) {
        line.shift()
        if (line.length === 0) lines.delete(turn)
        first.go(first.failure)
      }
    }
    journal.durable(seq).then(() => arrive(), arrive)
  }

  return {
    leave(turn, durable, go) {
      const line = lines.get(turn)
      if (durable === undefined && line === undefined) return go()
      const place: Place = { ready: durable === undefined, failure: undefined, go }
      if (line === undefined) lines.set(turn, [place])
      else line.push(place)
      if (durable !== undefined) wait(turn, durable, place)
    },
  }
}
