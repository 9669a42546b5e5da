/** Money as people see it: dollars, and counts of everything else; what is nothing is absent. */
export interface SpendAmounts {
  readonly usd?: number
  readonly tokens?: number
  readonly toolCalls?: number
  readonly modelCalls?: number
  readonly irreversible?: number
  readonly runs?: number
}

/** One limit of a process, and how much of it is taken. */
export interface LimitStatus {
  readonly per: 'turn' | 'hour' | 'day' | 'month'
  readonly kind: keyof SpendAmounts
  /** With what was granted for the period that is now. */
  readonly limit: number
  /** Of a turn there are many: see its turns. */
  readonly spent?: number
  readonly reserved?: number
}

export interface SpentInPeriods {
  readonly hour: SpendAmounts
  readonly day: SpendAmounts
  readonly month: SpendAmounts
  /** By what is under way. */
  readonly reserved: SpendAmounts
}

/** What calls of one model came to. */
export interface ModelSpend extends Pick<SpentInPeriods, 'hour' | 'day' | 'month'> {
  readonly model: string
}

/** A day that is over. */
export interface DaySpend {
  /** Its first instant, ISO. */
  readonly from: string
  readonly spent: SpendAmounts
}

export interface BudgetStatus extends SpentInPeriods {
  /** The last 31 ended days on which something was spent, oldest first. */
  readonly days: readonly DaySpend[]
  /** Those that it has asked, the dearest of the month first. */
  readonly models: readonly ModelSpend[]
  /** Of what operators laid over the manifest; goes up with each change. */
  readonly revision: number
  readonly unlimited: boolean
  readonly onExceeded: 'pause' | 'ask' | 'escalate' | 'stop'
  readonly limits: readonly LimitStatus[]
  /** The clock has leapt, and no period begins before somebody says that it is right. */
  readonly held: boolean
  /** It waits for a purse that has no room; `owner` is its own name, that of one above it, or @fleet. */
  readonly paused?: {
    readonly since: string
    readonly owner: string
    readonly per: 'turn' | 'hour' | 'day' | 'month'
    readonly kind: keyof SpendAmounts
    readonly until?: string
  }
}

export interface AgentSpend extends SpentInPeriods {
  readonly name: string
  /** As of its budget. */
  readonly days: readonly DaySpend[]
  /** Turns that are open, with what they have taken. */
  readonly turns: readonly { readonly turn: string; readonly spent: SpendAmounts; readonly reserved: SpendAmounts }[]
}

export interface Spend {
  readonly agents: readonly AgentSpend[]
  /** Of all agents that are there, each in its own hour, day and month. */
  readonly total: SpentInPeriods
  /** Of all agents together. */
  readonly models: readonly ModelSpend[]
  /** The purse of the configuration, if it has one. */
  readonly fleet?: BudgetStatus
}

/** A call of a turn that cost something, or may. */
export interface CallSpend {
  readonly key: string
  readonly kind: string
  /** Of a call of a tool, its name. */
  readonly tool?: string
  /** Of a call of a model, which. */
  readonly model?: string
  /** When it began, ISO. */
  readonly at: string
  readonly spent: SpendAmounts
  readonly reserved: SpendAmounts
}

/** What one turn took over all its attempts, open or ended. */
export interface TurnSpend {
  readonly process: string
  readonly turn: string
  readonly spent: SpendAmounts
  /** By what is under way. */
  readonly reserved: SpendAmounts
  /** In the order in which they began. */
  readonly calls: readonly CallSpend[]
}

/** What was changed, and its number. */
export interface BudgetChange {
  readonly name: string
  readonly revision: number
}
