/** Plain sums, as somebody with a pencil would keep them. */
export const kinds = ['usd', 'tokens', 'tool_calls', 'model_calls', 'irreversible', 'runs'] as const
export type Kind = (typeof kinds)[number]
export const units = ['hour', 'day', 'month'] as const
export type Unit = (typeof units)[number]
export type Sums = { readonly [K in Kind]?: number | undefined }

/** `a + b - c`; never below nothing. */
export const sums = (a: Sums = {}, b: Sums = {}, c: Sums = {}): Sums =>
  Object.fromEntries(kinds.map((kind) => [kind, Math.max(0, (a[kind] ?? 0) + (b[kind] ?? 0) - (c[kind] ?? 0))]))

/** As a manifest on record has it. */
export interface RecordedBudget {
  readonly limits: { readonly [Per in Unit | 'turn']: Sums }
  readonly resetHour: number
  readonly timeZone: string
}

/** One purse. */
export interface Account {
  readonly reserved: Sums
  readonly spent: Readonly<Record<Unit, Sums>>
  /** Of days that are over, by their first day on the calendar, oldest first: those on which something was spent. */
  readonly days: ReadonlyMap<string, Sums>
  /** No period begins. */
  held: boolean
  deploy(budget: RecordedBudget): void
  /** Lays a limit over that of the manifest; null takes it away. */
  lay(per: Unit | 'turn', kind: Kind, limit: number | null): void
  limit(per: Unit | 'turn', kind: Kind): number
  /** The time is that. */
  look(atMs: number): void
  reserve(amounts: Sums): void
  settle(released: Sums, spent: Sums): void
  refund(amounts: Sums, chargedMs: number): void
  grant(amounts: Sums): void
  /** Spent and reserved, by unit and kind. */
  taken(): ReadonlyMap<string, number>
  /** What has grown beyond its limit. A limit that was lowered is no fault of who has spent. */
  overdrawnSince(before: ReadonlyMap<string, number>): string[]
}

const inEach = <T>(make: (unit: Unit) => T): Record<Unit, T> => ({
  hour: make('hour'),
  day: make('day'),
  month: make('month'),
})

export function newAccount(): Account {
  let budget: RecordedBudget = { limits: { turn: {}, hour: {}, day: {}, month: {} }, resetHour: 0, timeZone: 'UTC' }
  const laid = new Map<string, number>()
  let periods = inEach(() => '')
  let reserved: Sums = {}
  let spent = inEach((): Sums => ({}))
  let granted = inEach((): Sums => ({}))
  let held = false
  const days = new Map<string, Sums>()

  const baseOf = (per: Unit | 'turn', kind: Kind): number =>
    laid.get(`${per} ${kind}`) ?? budget.limits[per][kind] ?? Number.POSITIVE_INFINITY
  const limit = (per: Unit | 'turn', kind: Kind): number =>
    baseOf(per, kind) + (per === 'turn' ? 0 : (granted[per][kind] ?? 0))
  const taken = (): Map<string, number> =>
    new Map(
      units.flatMap((unit) =>
        kinds.map((kind) => [`${unit} ${kind}`, (spent[unit][kind] ?? 0) + (reserved[kind] ?? 0)] as const),
      ),
    )
  const leftOfGrant = (unit: Unit): Sums =>
    Object.fromEntries(
      kinds.map((kind) => {
        const beyond = Math.max(
          0,
          (reserved[kind] ?? 0) - (laid.get(`${unit} ${kind}`) ?? budget.limits[unit][kind] ?? 0),
        )
        return [kind, Math.min(granted[unit][kind] ?? 0, beyond)]
      }),
    )

  return {
    get reserved() {
      return reserved
    },
    get spent() {
      return spent
    },
    get days() {
      const kept = [...days].filter(([, sum]) => kinds.some((kind) => (sum[kind] ?? 0) > 0))
      return new Map(kept.slice(-31))
    },
    get held() {
      return held
    },
    set held(value) {
      held = value
    },
    deploy(next) {
      // What the manifest says anew counts for more than what was laid over it.
      for (const name of laid.keys()) {
        const [per, kind] = name.split(' ') as [Unit | 'turn', Kind]
        if (budget.limits[per][kind] !== next.limits[per][kind]) laid.delete(name)
      }
      budget = next
    },
    lay(per, kind, to) {
      if (to === null) laid.delete(`${per} ${kind}`)
      else laid.set(`${per} ${kind}`, kind === 'usd' ? Math.round(to * 1_000_000) : to)
    },
    limit,
    look(atMs) {
      if (held) return
      const now = inEach((unit) => periodOf(unit, atMs, budget))
      const isNew = inEach((unit) => now[unit] > periods[unit])
      if (isNew.day) days.set(periods.day, spent.day)
      granted = inEach((unit) => (isNew[unit] ? leftOfGrant(unit) : granted[unit]))
      spent = inEach((unit) => (isNew[unit] ? {} : spent[unit]))
      periods = inEach((unit) => (isNew[unit] ? now[unit] : periods[unit]))
    },
    reserve(amounts) {
      reserved = sums(reserved, amounts)
    },
    settle(released, paid) {
      reserved = sums(reserved, {}, released)
      spent = inEach((unit) => sums(spent[unit], paid))
    },
    refund(amounts, chargedMs) {
      const day = periodOf('day', chargedMs, budget)
      if (days.has(day)) days.set(day, sums(days.get(day), {}, amounts))
      spent = inEach((unit) =>
        periodOf(unit, chargedMs, budget) === periods[unit] ? sums(spent[unit], {}, amounts) : spent[unit],
      )
    },
    grant(amounts) {
      granted = inEach((unit) => sums(granted[unit], amounts))
    },
    taken,
    overdrawnSince(before) {
      return units.flatMap((unit) =>
        kinds.flatMap((kind) => {
          const name = `${unit} ${kind}`
          const now = taken().get(name) ?? 0
          const most = limit(unit, kind)
          return now > most && now > (before.get(name) ?? 0) ? [`${now} of ${most} ${kind} per ${unit}`] : []
        }),
      )
    },
  }
}

/** The name of a period; later ones have greater names. A day lasts from one reset hour on the wall to the next. */
function periodOf(unit: Unit, atMs: number, { timeZone, resetHour }: RecordedBudget): string {
  const zoned = Temporal.Instant.fromEpochMilliseconds(Math.floor(atMs)).toZonedDateTimeISO(timeZone)
  // An hour that comes twice is two.
  if (unit === 'hour') return new Date(atMs - 60_000 * zoned.minute - 1_000 * zoned.second).toISOString().slice(0, 16)
  const day = zoned.toPlainDateTime().subtract({ hours: resetHour }).toPlainDate().toString()
  return unit === 'day' ? day : day.slice(0, 7)
}
