import { type JournalRecord, limitRows } from '@vigil/protocol'
import type { World as Folds } from '@vigil/supervisor/internal'
import { type Account, kinds, newAccount, type RecordedBudget, type Sums, sums, units } from './money-account.ts'
import { repeatsArePaid } from './repeat-checks.ts'

/** Money as the records tell it, one after the other, added up without anything that the house itself adds up with. */
export interface MoneyTally {
  /** What was broken by this record: a purse or a turn gave more than it had, or something was paid never or twice. */
  add(record: JournalRecord): string[]
  /** Where the purses of the folds, which have applied it too, say something else. */
  compare(record: JournalRecord, folds: Folds): string[]
  /** Records so far that moved money. */
  readonly moves: number
  /** All that was ever paid, millionths of dollars. */
  readonly paid: number
}

const ends: ReadonlySet<JournalRecord['type']> = new Set(['turn.completed', 'turn.dead_lettered', 'turn.cancelled'])
/** An amount of nothing may be absent. */
const isOther = (a: Sums, b: Sums): boolean => kinds.some((kind) => (a[kind] ?? 0) !== (b[kind] ?? 0))
const leapMs = 25 * 3_600_000

export function moneyTally(): MoneyTally {
  const accounts = new Map<string, Account>()
  /** By process, turn and key. */
  const open = new Map<string, Sums>()
  const turns = new Map<string, Sums>()
  const repeats = repeatsArePaid()
  /** What people gave turns beyond their limit. */
  const granted = new Map<string, Sums>()
  let moves = 0
  let paid = 0

  const ownersOf = (record: JournalRecord): string[] => {
    const { purses = [] } = record.data as { readonly purses?: readonly string[] }
    return [record.process, ...purses].filter((owner) => accounts.has(owner))
  }
  const openOf = (turn: string): string[] => [...open.keys()].filter((call) => call.startsWith(`${turn} `))

  /** What the record does, if it moves money; the words say what is wrong with it in itself. */
  const move = (record: JournalRecord, turn: string, change: (act: (account: Account) => void) => void): string[] => {
    const call = 'key' in record.data ? `${turn} ${record.data.key}` : ''
    switch (record.type) {
      case 'turn.started':
        if (record.data.attempt !== 1 || turns.has(turn)) return []
        turns.set(turn, {})
        change((account) => account.settle({}, { runs: 1 }))
        return []
      case 'effect.intended': {
        const { reserved } = record.data
        if (reserved === undefined) return []
        open.set(call, sums(open.get(call), reserved))
        turns.set(turn, sums(turns.get(turn), reserved))
        change((account) => account.reserve(reserved))
        return []
      }
      case 'effect.repeated': {
        const { reserved } = record.data
        turns.set(turn, sums(turns.get(turn), reserved))
        change((account) => {
          account.settle(reserved, reserved)
          account.reserve(reserved)
        })
        paid += reserved.usd ?? 0
        return (open.get(call)?.usd ?? 0) === (reserved.usd ?? 0) ? [] : [`${call} is charged with another price`]
      }
      case 'effect.completed': {
        const { spent, released = spent }: { readonly spent?: Sums | undefined; readonly released?: Sums | undefined } =
          record.data
        const held = open.get(call)
        if (spent === undefined || released === undefined)
          return held === undefined ? [] : [`${call} has an outcome and is not paid`]
        open.delete(call)
        turns.set(turn, sums(turns.get(turn), spent, released))
        change((account) => account.settle(released, spent))
        paid += spent.usd ?? 0
        if (held === undefined) return [`${call} is paid and was not reserved, or twice`]
        return isOther(held, released) ? [`${call} gives back what it had not reserved`] : []
      }
      case 'budget.charged': {
        const held = openOf(turn).reduce<Sums>((total, each) => sums(total, open.get(each)), {})
        for (const each of openOf(turn)) open.delete(each)
        change((account) => account.settle(record.data.amounts, record.data.amounts))
        paid += record.data.amounts.usd ?? 0
        return isOther(held, record.data.amounts)
          ? [`${turn} is charged with something else than what it had begun`]
          : []
      }
      case 'doubt.resolved': {
        const { refunded, charged_at: at } = record.data
        if (refunded === undefined || at === undefined) return []
        turns.set(turn, sums(turns.get(turn), {}, refunded))
        change((account) => account.refund(refunded, Date.parse(at)))
        paid -= refunded.usd ?? 0
        return []
      }
      case 'budget.granted':
        if (record.data.for_turn === true) granted.set(turn, sums(granted.get(turn), record.data.amounts))
        else change((account) => account.grant(record.data.amounts ?? { usd: record.data.usd }))
        return []
      default:
        if (!ends.has(record.type)) return []
        turns.delete(turn)
        granted.delete(turn)
        return openOf(turn).map((each) => `${turn} ended and has ${each} reserved`)
    }
  }

  return {
    get paid() {
      return paid
    },
    get moves() {
      return moves
    },
    add(record) {
      configure(accounts, record)
      const turn = `${record.process} ${record.turn}`
      const owners = ownersOf(record)
      let moved = false
      const inTurn = turns.get(turn)
      const broken: string[] = []
      const words = move(record, turn, (act) => {
        moved = true
        for (const owner of owners) {
          const account = accounts.get(owner) as Account
          account.look(Date.parse(record.at))
          const before = account.taken()
          act(account)
          broken.push(...account.overdrawnSince(before).map((what) => `${owner} has taken ${what}`))
        }
      })
      if (moved) moves += 1
      const own = accounts.get(record.process)
      if (moved && own !== undefined)
        for (const kind of kinds) {
          const limit = own.limit('turn', kind) + (granted.get(turn)?.[kind] ?? 0)
          const taken = turns.get(turn)?.[kind] ?? 0
          if (taken > limit && taken > (inTurn?.[kind] ?? 0))
            broken.push(`${turn} has taken ${taken} of ${limit} ${kind}`)
        }
      return [...words, ...repeats.add(record), ...broken].map((what) => `record ${record.seq}: ${what}`)
    },
    compare(record, folds) {
      return ownersOf(record).flatMap((owner) => {
        const purse = folds.get(owner)?.purse
        const account = accounts.get(owner)
        if (purse === undefined || account === undefined) return []
        const rows = units.flatMap((unit) =>
          kinds.map((kind) => [
            `${kind} per ${unit}`,
            [purse.periods[unit].spent[kind] ?? 0, purse.reserved[kind] ?? 0],
            [account.spent[unit][kind] ?? 0, account.reserved[kind] ?? 0],
          ]),
        )
        const days = [
          'at the end of each day',
          purse.days.map(({ spent }) => kinds.map((kind) => spent[kind] ?? 0)),
          [...account.days.values()].map((spent) => kinds.map((kind) => spent[kind] ?? 0)),
        ]
        return [...rows, days].flatMap(([what, fold, own]) =>
          String(fold) === String(own)
            ? []
            : [
                `record ${record.seq}: the purse of ${owner} has ${fold} ${what} spent, reserved; the records say ${own}`,
              ],
        )
      })
    },
  }
}

/** Whose purse it is, what limits it, and whether its periods go on. */
function configure(accounts: Map<string, Account>, record: JournalRecord): void {
  switch (record.type) {
    case 'process.deployed': {
      const { budget } = record.data.manifest as { readonly budget?: RecordedBudget }
      if (budget !== undefined) accounts.getOrInsertComputed(record.process, newAccount).deploy(budget)
      return
    }
    case 'process.removed':
      return void accounts.delete(record.process)
    case 'budget.changed': {
      const { budget, set = {} } = record.data
      if (budget !== undefined)
        accounts.getOrInsertComputed(record.process, newAccount).deploy(budget as unknown as RecordedBudget)
      for (const { field, per, kind } of limitRows)
        if (field in set) accounts.get(record.process)?.lay(per, kind, set[field] as number | null)
      return
    }
    case 'clock.stepped':
      if (record.data.by_ms > leapMs) for (const account of accounts.values()) account.held = true
      return
    case 'clock.confirmed':
      for (const account of accounts.values()) account.held = false
  }
}
