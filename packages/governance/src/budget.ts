import type { Amounts } from './amounts.ts'
import type { Calendar, Unit } from './period.ts'

/** What one purse may give. A field that is absent in a limit is not limited. */
export interface Budget extends Calendar {
  readonly limits: { readonly [Per in Unit | 'turn']: Amounts }
  /** What follows when a period has no room: wait for the next, ask a person, tell people and wait, or stop. */
  readonly onExceeded: 'pause' | 'ask' | 'escalate' | 'stop'
  /** The part of a limit, 0 to 1, from which on people are warned. */
  readonly warningThreshold: number
}

/** Of whoever says nothing about money. */
export const defaultBudget: Budget = {
  limits: { turn: { usd: 1_000_000 }, hour: {}, day: { usd: 5_000_000 }, month: {} },
  onExceeded: 'pause',
  warningThreshold: 0.8,
  resetHour: 0,
  timeZone: 'UTC',
}

/** The only way to have none, and it has to be asked for; what is spent is counted all the same. */
export const unlimited: Budget = { ...defaultBudget, limits: { turn: {}, hour: {}, day: {}, month: {} } }
