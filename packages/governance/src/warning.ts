import { type Kind, kinds } from './amounts.ts'
import { type Unit, units } from './period.ts'
import { at } from './purse.ts'
import type { Holding } from './room.ts'

/** A limit that comes near. */
export interface Warning {
  readonly owner: string
  readonly per: Unit
  readonly kind: Kind
  readonly limit: number
  readonly spent: number
}

/** What people have to be told now, at most once in each period. */
export function warnings({ owner, budget, purse }: Holding, nowMs: number): Warning[] {
  const { periods } = at(purse, nowMs, budget)
  return units.flatMap((per) => {
    const { spent, granted, warned } = periods[per]
    if (warned) return []
    for (const kind of kinds) {
      const base = budget.limits[per][kind] ?? 0
      const limit = base + (granted[kind] ?? 0)
      const used = spent[kind] ?? 0
      if (base > 0 && used >= limit * budget.warningThreshold) return [{ owner, per, kind, limit, spent: used }]
    }
    return []
  })
}
