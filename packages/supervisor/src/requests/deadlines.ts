import type { Clock, JournalRecord, ProcessName, Timer } from '@vigil/protocol'
import { waitLeft } from '../delivery/wait-left.ts'
import type { RequestFold } from '../fold/process-fold.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import { expiryOf } from './expiry.ts'
import { grantRecords } from './more-budget.ts'

/** Lets the policy speak for people who do not, also when nobody but the journal knows any more that somebody waits. */
export interface RequestDeadlines {
  /** Told of each durable record. */
  heard(record: JournalRecord): void
  close(): void
}

export function requestDeadlines(log: RecordLog, clock: Clock, expired: (process: string) => void): RequestDeadlines {
  const { world } = log
  /** By process, then by request. */
  const timers = new Map<string, Map<string, Timer>>()

  const expire = (name: string, id: string): void => {
    timers.get(name)?.delete(id)
    const process = world.get(name)
    const open = process?.requests.get(id)
    if (process === undefined || open === undefined) return
    const data = expiryOf(open, clock.now())
    log.commit([
      { process: name as ProcessName, epoch: process.epoch, type: 'request.expired', turn: open.turn, data },
      ...grantRecords(world, open, { outcome: data.outcome, by: 'policy' }),
    ])
    expired(name)
  }

  const disarm = (name: string, id: string): void => {
    const own = timers.get(name)
    own?.get(id)?.cancel()
    own?.delete(id)
    if (own?.size === 0) timers.delete(name)
  }

  const arm = (name: string, { id, deadline, timeoutMs }: RequestFold): void => {
    disarm(name, id)
    const leftMs = waitLeft(Date.parse(deadline), timeoutMs, clock.now())
    const own = timers.getOrInsertComputed(name, () => new Map<string, Timer>())
    own.set(
      id,
      clock.setTimer(leftMs, () => expire(name, id)),
    )
  }

  for (const { name, requests } of world.values()) for (const open of requests.values()) arm(name, open)

  return {
    heard({ process: name, type, data }) {
      if (type === 'request.opened' || type === 'request.expired') {
        const open = world.get(name)?.requests.get(data.id)
        if (open === undefined) disarm(name, data.id)
        else arm(name, open)
      } else if (timers.has(name)) {
        const { requests } = world.get(name) ?? {}
        if (type === 'request.decided') disarm(name, data.id)
        // Whoever asked is over, or gone.
        else if (ends.has(type))
          for (const id of timers.get(name)?.keys() ?? []) if (requests?.has(id) !== true) disarm(name, id)
      }
    },
    close() {
      for (const own of timers.values()) for (const timer of own.values()) timer.cancel()
      timers.clear()
    },
  }
}

const ends: ReadonlySet<JournalRecord['type']> = new Set([
  'turn.completed',
  'turn.dead_lettered',
  'turn.cancelled',
  'process.removed',
])
