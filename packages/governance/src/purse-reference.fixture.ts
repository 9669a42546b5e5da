import { type Amounts, type Kind, kinds } from './amounts.ts'
import type { Budget } from './budget.ts'
import { type Unit, units } from './period.ts'

/** What happened to purses; `owners` are those that it concerns, whose turn it is first. */
export interface Happening {
  readonly is: 'taken' | 'spent' | 'granted'
  readonly owners: readonly string[]
  readonly turn: string
  readonly amounts: Amounts
  readonly nowMs: number
}

interface Kept extends Happening {
  /** Nothing, once it was given back. */
  amounts: Amounts
  /** By the newest clock that each owner has seen. */
  readonly seen: ReadonlyMap<string, number>
  over: boolean
}

const period = (unit: Unit, ms: number): string =>
  new Date(ms).toISOString().slice(0, { hour: 13, day: 10, month: 7 }[unit])

/** What purses have to say, found by adding up all that ever happened; periods begin at midnight UTC. */
export function reference(budgetOf: (owner: string) => Budget) {
  const all: Kept[] = []
  const newest = new Map<string, number>()
  const granted = new Map<string, number>()
  const clock = (owner: string, nowMs: number): number => Math.max(newest.get(owner) ?? 0, nowMs)
  const sum = (kept: readonly Kept[], kind: Kind): number =>
    kept.reduce((total, { amounts }) => total + (amounts[kind] ?? 0), 0)
  const open = (): Kept[] => all.filter(({ is, over }) => is === 'taken' && !over)
  const reserved = (owner: string, kind: Kind): number =>
    sum(
      open().filter(({ owners }) => owners.includes(owner)),
      kind,
    )
  const grantOf = (owner: string, unit: Unit, kind: Kind, nowMs: number): number => {
    const grant = granted.get(`${owner} ${unit} ${kind}`) ?? 0
    if (period(unit, newest.get(owner) ?? 0) === period(unit, clock(owner, nowMs))) return grant
    return Math.min(grant, Math.max(0, reserved(owner, kind) - (budgetOf(owner).limits[unit][kind] ?? 0)))
  }
  const stand = (owner: string, unit: Unit, kind: Kind, nowMs: number) => ({
    spent: sum(
      all.filter(
        ({ is, seen }) =>
          is === 'spent' && seen.has(owner) && period(unit, seen.get(owner) ?? 0) === period(unit, clock(owner, nowMs)),
      ),
      kind,
    ),
    reserved: reserved(owner, kind),
    limit: (budgetOf(owner).limits[unit][kind] ?? Infinity) + grantOf(owner, unit, kind, nowMs),
  })
  /** Each day before that of the newest clock on which something was spent. */
  const days = (owner: string, nowMs: number) => {
    const spent = all.filter(({ is, seen }) => is === 'spent' && seen.has(owner))
    const names = new Set(spent.map(({ seen }) => period('day', seen.get(owner) ?? 0)))
    names.delete(period('day', clock(owner, nowMs)))
    return [...names].sort().flatMap((day) => {
      const kept = spent.filter(({ seen }) => period('day', seen.get(owner) ?? 0) === day)
      const sums = kinds.flatMap((kind) => (sum(kept, kind) === 0 ? [] : [[kind, sum(kept, kind)]]))
      return sums.length === 0 ? [] : [{ from: Date.parse(day), spent: Object.fromEntries(sums) }]
    })
  }
  return {
    open,
    stand,
    days,
    /** Payments that were counted in the periods of their own time. */
    paid: (): Kept[] =>
      all.filter(({ is, seen, nowMs }) => is === 'spent' && seen.values().every((newest) => newest === nowMs)),
    happen(happening: Happening): void {
      const { owners, nowMs, is, amounts } = happening
      const cells = owners.flatMap((owner) => units.flatMap((unit) => kinds.map((kind) => ({ owner, unit, kind }))))
      const grants = cells.map(({ owner, unit, kind }) => grantOf(owner, unit, kind, nowMs))
      for (const [index, { owner, unit, kind }] of cells.entries())
        granted.set(`${owner} ${unit} ${kind}`, (grants[index] ?? 0) + (is === 'granted' ? (amounts[kind] ?? 0) : 0))
      for (const owner of owners) newest.set(owner, clock(owner, nowMs))
      all.push({ ...happening, over: false, seen: new Map(owners.map((owner) => [owner, clock(owner, nowMs)])) })
    },
    fits: ({ amounts, owners, turn, nowMs }: Happening): boolean =>
      kinds.every((kind) => {
        const wants = amounts[kind] ?? 0
        const taken = [...open(), ...all.filter(({ is }) => is === 'spent')].filter((kept) => kept.turn === turn)
        const inTurn = budgetOf(owners[0] as string).limits.turn[kind] ?? Infinity
        const roomEverywhere = owners.every((owner) =>
          units.every((unit) => {
            const is = stand(owner, unit, kind, nowMs)
            return is.spent + is.reserved + wants <= is.limit
          }),
        )
        return wants === 0 || (sum(taken, kind) + wants <= inTurn && roomEverywhere)
      }),
  }
}
