import {
  type Amounts,
  at,
  emptyPurse,
  grant,
  kinds,
  minus,
  type Purse,
  plus,
  refund,
  reserve,
  settle,
  units,
} from '@vigil/governance'
import type { JournalRecord } from '@vigil/protocol'
import type { Manifest } from '@vigil/supervisor'

type Budget = NonNullable<Manifest['budget']>

/** Money as the records tell it, one after the other: what is spent and what is reserved never come to more than a limit. */
export function moneyKept(log: readonly JournalRecord[]): string[] {
  const broken: string[] = []
  const purses = new Map<string, Purse>()
  const budgets = new Map<string, Budget>()
  /** By process, turn and key. */
  const open = new Map<string, Amounts>()
  const turns = new Map<string, Amounts>()
  for (const record of log) {
    if (record.type === 'process.deployed') {
      const { budget } = record.data.manifest as { readonly budget?: Budget }
      if (budget !== undefined) budgets.set(record.process, budget)
    }
    if (record.type === 'process.removed') purses.delete(record.process)
    const owners = [record.process, ...(('purses' in record.data ? record.data.purses : undefined) ?? [])]
    const change = (how: (purse: Purse) => Purse): void => {
      for (const owner of owners) {
        const budget = budgets.get(owner)
        if (budget === undefined) continue
        purses.set(owner, how(at(purses.get(owner) ?? emptyPurse, Date.parse(record.at), budget)))
      }
    }
    const call = 'key' in record.data ? `${record.process} ${record.turn} ${record.data.key}` : ''
    const turn = `${record.process} ${record.turn}`
    if (record.type === 'effect.intended' && record.data.reserved !== undefined) {
      const { reserved } = record.data
      open.set(call, reserved)
      turns.set(turn, plus(turns.get(turn) ?? {}, reserved))
      change((purse) => reserve(purse, reserved))
      for (const owner of owners) broken.push(...overdrawn(record, owner, purses.get(owner), budgets.get(owner)))
      broken.push(...overdrawnTurn(record, turns.get(turn) ?? {}, budgets.get(record.process)))
    } else if (record.type === 'effect.completed' && record.data.spent !== undefined) {
      const { spent, released = spent } = record.data
      const held = open.get(call) ?? {}
      if (Object.keys(minus(released, held)).length > 0)
        broken.push(`record ${record.seq}: ${call} gives back more than it had reserved`)
      open.delete(call)
      turns.set(turn, plus(minus(turns.get(turn) ?? {}, released), spent))
      change((purse) => settle(purse, released, spent))
    } else if (record.type === 'budget.charged') {
      for (const name of open.keys()) if (name.startsWith(`${turn} `)) open.delete(name)
      change((purse) => settle(purse, record.data.amounts, record.data.amounts))
    } else if (record.type === 'doubt.resolved' && record.data.refunded !== undefined) {
      const { refunded } = record.data
      turns.set(turn, minus(turns.get(turn) ?? {}, refunded))
      change((purse) => refund(purse, refunded))
    } else if (record.type === 'budget.granted') change((purse) => grant(purse, { usd: record.data.usd }))
    else if (ends.has(record.type)) {
      for (const name of open.keys())
        if (name.startsWith(`${turn} `)) broken.push(`record ${record.seq}: ${turn} ended and has ${name} reserved`)
    }
  }
  return broken
}

const ends: ReadonlySet<JournalRecord['type']> = new Set(['turn.completed', 'turn.dead_lettered', 'turn.cancelled'])

function overdrawn(
  { seq }: JournalRecord,
  owner: string,
  purse: Purse | undefined,
  budget: Budget | undefined,
): string[] {
  if (purse === undefined || budget === undefined) return []
  return units.flatMap((unit) =>
    kinds.flatMap((kind) => {
      const { spent, granted } = purse.periods[unit]
      const limit = (budget.limits[unit][kind] ?? Number.POSITIVE_INFINITY) + (granted[kind] ?? 0)
      const taken = (spent[kind] ?? 0) + (purse.reserved[kind] ?? 0)
      return taken > limit ? [`record ${seq}: ${owner} has taken ${taken} of ${limit} ${kind} per ${unit}`] : []
    }),
  )
}

function overdrawnTurn({ seq, turn }: JournalRecord, taken: Amounts, budget: Budget | undefined): string[] {
  return kinds.flatMap((kind) => {
    const limit = budget?.limits.turn[kind] ?? Number.POSITIVE_INFINITY
    const all = taken[kind] ?? 0
    return all > limit ? [`record ${seq}: turn ${turn} has taken ${all} of ${limit} ${kind}`] : []
  })
}
