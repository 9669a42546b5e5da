import { at } from '@vigil/governance'
import type { Clock, JournalRecord, ProcessName, Timer } from '@vigil/protocol'
import type { BudgetPause, ProcessFold } from '../fold/process-fold.ts'
import { budgetOf } from '../fold/purse-fold.ts'
import type { World } from '../fold/world.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import { warningRecords } from './ledger.ts'

/** Lets those go on that wait for their budget, warns of limits that come near, and stops whoever is to be stopped. */
export interface BudgetWatch {
  /** Told of each durable record. */
  heard(record: JournalRecord): void
  /** The supervisor has started: somebody may go on. */
  look(): void
  /** Waits are as long as they were, and the period that they wait for may be here. */
  clockStepped(): void
  close(): void
}

export interface BudgetWatchParts {
  readonly log: RecordLog
  readonly clock: Clock
  /** It waits for its budget, or does so no more. */
  readonly moved: (name: string) => void
  readonly stop: (name: string) => void
}

/** No timer of the platform waits for a month. */
const longestWaitMs = 24 * 3_600_000

export function budgetWatch({ log, clock, moved, stop }: BudgetWatchParts): BudgetWatch {
  const { world } = log
  let timer: Timer | undefined
  let isClosed = false

  const resume = (process: ProcessFold, by: 'reset' | 'operator'): void => {
    log.commit([{ process: process.name as ProcessName, epoch: process.epoch, type: 'budget.resumed', data: { by } }])
    moved(process.name)
  }

  const look = (): void => {
    timer?.cancel()
    if (isClosed) return
    let nextMs = Number.POSITIVE_INFINITY
    for (const process of world.values()) {
      if (process.budgetPause === undefined) continue
      const waitMs = waitLeftMs(world, process.budgetPause, clock.now())
      if (waitMs <= 0) resume(process, 'reset')
      else nextMs = Math.min(nextMs, waitMs)
    }
    if (nextMs < Number.POSITIVE_INFINITY) timer = clock.setTimer(Math.min(nextMs, longestWaitMs), look)
  }

  /** It was given more: whoever waits for it tries again. */
  const freed = (owner: string): void => {
    for (const process of world.values()) if (process.budgetPause?.owner === owner) resume(process, 'operator')
    all()
  }

  /** Also who has no pause on record: where a limit is used up no turn begins, be it that of a purse above. */
  const all = (): void => {
    for (const name of world.keys()) moved(name)
  }

  const warn = (name: string): void => {
    const process = world.get(name)
    const news = process === undefined ? [] : warningRecords(world, process, clock.now())
    if (news.length > 0) log.commit(news, 'lazy')
  }

  return {
    look,
    clockStepped() {
      all()
      look()
    },
    heard(record) {
      switch (record.type) {
        case 'turn.started':
          return warn(record.process)
        case 'effect.completed':
          return record.data.spent === undefined ? undefined : warn(record.process)
        case 'budget.exceeded':
          if (record.data.policy === 'stop') stop(record.process)
          else if (record.data.policy !== 'nothing') moved(record.process)
          return look()
        case 'budget.granted':
        case 'budget.changed':
          return freed(record.process)
        case 'clock.confirmed':
          all()
          return look()
      }
    },
    close() {
      isClosed = true
      timer?.cancel()
    },
  }
}

/** How long the purse stays in the period in which it was empty; Infinity while nobody knows. */
function waitLeftMs(world: World, { owner: name, per, until }: BudgetPause, nowMs: number): number {
  const owner = world.get(name)
  if (owner === undefined) return 0
  if (until === undefined || per === 'turn') return owner.purse.held ? Number.POSITIVE_INFINITY : 0
  const untilMs = Date.parse(until)
  if (nowMs < untilMs) return untilMs - nowMs
  return at(owner.purse, nowMs, budgetOf(owner)).periods[per].until > untilMs ? 0 : Number.POSITIVE_INFINITY
}
