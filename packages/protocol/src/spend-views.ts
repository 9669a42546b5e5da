/** Dollars, and counts of everything else; what is nothing is absent. */
export interface AmountsView {
  readonly usd?: number
  readonly tokens?: number
  readonly tool_calls?: number
  readonly model_calls?: number
  readonly irreversible?: number
  readonly runs?: number
}

export interface SpentView {
  readonly hour: AmountsView
  readonly day: AmountsView
  readonly month: AmountsView
  readonly reserved: AmountsView
}

/** A day that is over; `from` is its first instant. */
export interface DaySpendView {
  readonly from: string
  readonly spent: AmountsView
}

/** What calls of one model came to. */
export interface ModelSpendView extends Omit<SpentView, 'reserved'> {
  readonly model: string
}

export interface BudgetView extends SpentView {
  /** The last 31 ended days on which something was spent, oldest first. */
  readonly days: readonly DaySpendView[]
  /** The dearest of the month first. */
  readonly models: readonly ModelSpendView[]
  readonly revision: number
  readonly unlimited: boolean
  readonly on_exceeded: string
  readonly limits: readonly {
    readonly per: 'turn' | 'hour' | 'day' | 'month'
    readonly kind: string
    readonly limit: number
    /** Absent for a turn: there are many. */
    readonly spent?: number
    readonly reserved?: number
  }[]
  /** The clock has leapt, and no period begins before somebody says that it is right. */
  readonly held: boolean
  readonly paused?: {
    readonly since: string
    readonly owner: string
    readonly per: string
    readonly kind: string
    readonly until?: string
  }
}

export interface SpendView {
  readonly agents: readonly (SpentView & {
    readonly name: string
    readonly days: readonly DaySpendView[]
    readonly turns: readonly { readonly turn: string; readonly spent: AmountsView; readonly reserved: AmountsView }[]
  })[]
  readonly total: SpentView
  readonly models: readonly ModelSpendView[]
  readonly fleet?: BudgetView
}

/** What one turn took, and which calls of it. */
export interface TurnSpendView {
  readonly process: string
  readonly turn: string
  readonly spent: AmountsView
  readonly reserved: AmountsView
  readonly calls: readonly {
    readonly key: string
    readonly kind: string
    readonly tool?: string
    readonly model?: string
    readonly at: string
    readonly spent: AmountsView
    readonly reserved: AmountsView
  }[]
}

export interface BudgetChangeView {
  readonly name: string
  readonly effective_from: 'now'
  readonly revision: number
}
