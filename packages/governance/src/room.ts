import { type Amounts, type Kind, kinds } from './amounts.ts'
import type { Budget } from './budget.ts'
import { type Unit, units } from './period.ts'
import { at, type Purse } from './purse.ts'

/** A purse with the budget that limits it, and whose it is: of an agent, of one above it, of the fleet. */
export interface Holding {
  readonly owner: string
  readonly budget: Budget
  readonly purse: Purse
}

/** What a turn has taken out of its own limit, over all its attempts. */
export interface TurnPurse {
  readonly spent: Amounts
  readonly reserved: Amounts
  /** What people gave it beyond its limit. */
  readonly granted?: Amounts
}
export const emptyTurnPurse: TurnPurse = { spent: {}, reserved: {} }

/** A limit that something does not fit into. */
export interface Exceeded {
  readonly owner: string
  readonly per: Unit | 'turn'
  readonly kind: Kind
  readonly asked: number
  readonly limit: number
  readonly spent: number
  readonly reserved: number
  /** It fits into no later period either: waiting does not help. */
  readonly isHopeless: boolean
  /** When the next period begins, ms; undefined while nobody knows. */
  readonly untilMs: number | undefined
}

/** The limit of the turn itself that `asked` does not fit into. */
export function exceededInTurn(
  asked: Amounts,
  { owner, limits, purse }: { readonly owner: string; readonly limits: Amounts; readonly purse: TurnPurse },
): Exceeded | undefined {
  for (const kind of kinds) {
    const whole = limits[kind]
    const limit = whole === undefined ? undefined : whole + (purse.granted?.[kind] ?? 0)
    const lacks = limit === undefined ? undefined : lack(asked)(kind, standOf(kind, limit, purse))
    if (limit !== undefined && lacks !== undefined)
      return {
        owner,
        per: 'turn',
        kind,
        asked: lacks,
        ...standOf(kind, limit, purse),
        isHopeless: true,
        untilMs: undefined,
      }
  }
  return undefined
}

/** The limit that `asked` does not fit into now; of several the one that lasts longest. Undefined: it fits into all of them. */
export const exceededBy = (asked: Amounts, holdings: readonly Holding[], nowMs: number): Exceeded | undefined =>
  longest(holdings, nowMs, lack(asked))

/** A limit of which nothing is left, so that a new turn would be begun only to be refused. */
export const usedUp = (holdings: readonly Holding[], nowMs: number): Exceeded | undefined =>
  longest(holdings, nowMs, (kind, { limit, spent }) =>
    (limit > 0 || kind === 'runs') && spent >= limit ? 1 : undefined,
  )

interface Stand {
  readonly limit: number
  readonly spent: number
  readonly reserved: number
}

const standOf = (kind: Kind, limit: number, { spent, reserved }: TurnPurse): Stand => ({
  limit,
  spent: spent[kind] ?? 0,
  reserved: reserved[kind] ?? 0,
})

/** How much was asked for, where it does not fit. */
type Lack = (kind: Kind, stand: Stand) => number | undefined

const lack =
  (asked: Amounts): Lack =>
  (kind, { limit, spent, reserved }) => {
    const wants = asked[kind] ?? 0
    return wants > 0 && spent + reserved + wants > limit ? wants : undefined
  }

function longest(holdings: readonly Holding[], nowMs: number, lacks: Lack): Exceeded | undefined {
  let found: Exceeded | undefined
  for (const { owner, budget, purse } of holdings) {
    const { periods, reserved } = at(purse, nowMs, budget)
    for (const per of units) {
      const { spent, granted, until } = periods[per]
      for (const kind of kinds) {
        const whole = budget.limits[per][kind]
        if (whole === undefined) continue
        const stand = standOf(kind, whole + (granted[kind] ?? 0), { spent, reserved })
        const asked = lacks(kind, stand)
        if (asked === undefined) continue
        const untilMs = until > nowMs ? until : undefined
        const next = { owner, per, kind, asked, ...stand, isHopeless: asked > whole, untilMs }
        if (found === undefined || lasts(next) > lasts(found)) found = next
      }
    }
  }
  return found
}

const lasts = ({ isHopeless, untilMs }: Exceeded): number =>
  isHopeless ? Number.POSITIVE_INFINITY : (untilMs ?? Number.MAX_VALUE)
