import type { DedupeEntry, ProcessFold, SlotCounts, Taken, TurnFold } from './process-fold.ts'
import { noOverlay, type TriggerOverlay } from './trigger-layers.ts'

/**
 * A process as one row of a checkpoint. `snapshotRow` copies the containers and shares the values, so what
 * is packed later is the state of this instant.
 */
export function snapshotRow(process: ProcessFold): Row {
  return {
    ...process,
    mailbox: [...process.mailbox],
    turns: [...process.turns].map(([id, turn]) => [
      id,
      { ...turn, effects: [...turn.effects], before: [...turn.before] },
    ]),
    dedupe: [...process.dedupe].map(([trigger, keys]) => [trigger, [...keys]]),
    deadLetters: [...process.deadLetters],
    state: [...process.state],
    stateHistory: [...process.stateHistory],
    cronFrom: [...process.cronFrom],
    begun: [...process.begun],
    cronCounts: [...process.cronCounts],
    taken: [...process.taken],
    baselines: [...process.baselines].map(([id, baseline]) => [id, [...baseline]]),
  }
}

interface TurnRow extends Omit<TurnFold, 'effects' | 'before' | 'ranMs'> {
  effects: Entries<TurnFold['effects'] extends Map<string, infer V> ? V : never>
  before: Entries<unknown>
  /** Absent in rows that were written before it was known. */
  ranMs?: number
}

type Entries<V> = [string, V][]
export interface Row
  extends Omit<
    ProcessFold,
    | 'mailbox'
    | 'turns'
    | 'dedupe'
    | 'state'
    | 'stateHistory'
    | 'cronFrom'
    | 'cronCounts'
    | 'taken'
    | 'overlay'
    | 'begun'
    | 'baselines'
  > {
  mailbox: Entries<ProcessFold['mailbox'] extends Map<string, infer V> ? V : never>
  turns: Entries<TurnRow>
  dedupe: Entries<Entries<DedupeEntry>>
  state: Entries<unknown>
  stateHistory: Entries<ProcessFold['stateHistory'] extends Map<string, infer V> ? V : never>
  cronFrom: Entries<string>
  begun: Entries<number[]>
  cronCounts: Entries<SlotCounts>
  /** Absent in rows that were written before there were any, like the next. */
  taken?: Entries<Taken>
  overlay?: TriggerOverlay
  baselines: Entries<Entries<string>>
}

/** The inverse of `snapshotRow`. */
export function restoredRow(row: Row): ProcessFold {
  return {
    ...row,
    mailbox: new Map(row.mailbox),
    turns: new Map(row.turns.map(([id, turn]) => [id, restoredTurn(turn)])),
    dedupe: new Map(row.dedupe.map(([trigger, keys]) => [trigger, new Map(keys)])),
    state: new Map(row.state),
    stateHistory: new Map(row.stateHistory),
    cronFrom: new Map(row.cronFrom),
    begun: new Map(row.begun),
    cronCounts: new Map(row.cronCounts),
    taken: new Map(row.taken),
    overlay: row.overlay ?? noOverlay,
    baselines: new Map(row.baselines.map(([id, entries]) => [id, new Map(entries)])),
  }
}

const restoredTurn = ({ ranMs = 0, ...turn }: TurnRow): TurnFold => ({
  ...turn,
  ranMs,
  effects: new Map(turn.effects),
  before: new Map(turn.before),
})
