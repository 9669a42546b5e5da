import { isDeepStrictEqual } from 'node:util'
import type { JournalRecord, RecordData } from '@vigil/protocol'

/** Whoever asks people asks once, hears one word, and does nothing before it comes when nothing else could wake it. */
export function peopleAskedOnce(log: readonly JournalRecord[]): string[] {
  const broken: string[] = []
  const open = new Map<string, RecordData<'request.opened'> & { readonly turn: string }>()
  const suspended = new Set<string>()
  for (const record of log) {
    const turn = `${record.turn} of ${record.process}`
    const say = (what: string): void => void broken.push(`record ${record.seq}: ${what} (turn ${turn})`)
    switch (record.type) {
      case 'request.opened':
        for (const { key, turn: other, id } of open.values())
          if (other === turn && key === record.data.key) say(`${key} is asked again beside request ${id}`)
        if (open.has(record.data.id)) say(`request ${record.data.id} is opened twice`)
        open.set(record.data.id, { ...record.data, turn })
        break
      case 'request.decided':
      case 'request.expired': {
        const { id, key, outcome } = record.data
        const asked = open.get(id)
        if (asked?.turn !== turn || asked.key !== key) say(`request ${id} is not open, and ends`)
        if (outcome === undefined) break
        open.delete(id)
        suspended.delete(turn)
        break
      }
      case 'turn.suspended':
        // A word may have come while the guest was being told to let go: then it goes on at once.
        if (open.values().some((asked) => asked.turn === turn)) suspended.add(turn)
        break
      case 'turn.started':
        if (suspended.delete(turn)) say('a turn that waits for people is begun and nobody has spoken')
        break
      case 'turn.completed':
      case 'turn.dead_lettered':
      case 'turn.cancelled':
        suspended.delete(turn)
        for (const [id, asked] of open) if (asked.turn === turn) open.delete(id)
        break
      case 'effect.completed':
        suspended.delete(turn)
        break
      case 'process.removed':
        for (const [id, asked] of open) if (asked.turn.endsWith(` of ${record.process}`)) open.delete(id)
        break
    }
  }
  return broken
}

/** What a turn was told by people is what they said: its attempts end with nothing else on record under the key. */
export function peopleHeard(log: readonly JournalRecord[]): string[] {
  const said = new Map<string, unknown>()
  return log.flatMap((record) => {
    if (record.type !== 'request.decided' && record.type !== 'effect.completed') return []
    const name = `${record.data.key} of turn ${record.turn} of ${record.process}`
    if (record.type === 'request.decided') said.set(name, record.data.outcome)
    else if (said.has(name) && !isDeepStrictEqual(said.get(name), record.data.outcome))
      return [`record ${record.seq}: ${name} has another outcome than people gave it`]
    return []
  })
}

/** People are told of a request as often as it calls, each notice is queued once, and nothing is said of it after its end. */
export function noticesOnce(log: readonly JournalRecord[]): string[] {
  const broken: string[] = []
  const queued = new Map<string, 'waits' | 'over'>()
  for (const record of log) {
    if (record.type !== 'notice.queued' && record.type !== 'notice.sent' && record.type !== 'notice.failed') continue
    const name = `${record.data.id} of ${record.process}`
    const say = (what: string): void => void broken.push(`record ${record.seq}: notice ${name} ${what}`)
    if (record.type === 'notice.queued') {
      if (queued.has(name)) say('is queued twice')
      queued.set(name, record.data.to === undefined ? 'over' : 'waits')
      continue
    }
    if (queued.get(name) !== 'waits') say('does not wait, and was tried')
    if (record.type === 'notice.sent' || record.data.retry_at === undefined) queued.set(name, 'over')
  }
  return broken
}
