import { type Budget, defaultBudget, fromDollars, type Kind, type Unit } from '@vigil/governance'
import { type BudgetDocument, type BudgetPatch, limitRows, limitsOf } from '@vigil/protocol'
import { type NoticeTarget, noticeTarget } from '../manifests/notice-target.ts'

/** What a manifest says about money, as decisions need it: dollars in millionths. */
export interface AgentBudget extends Budget {
  readonly isUnlimited: boolean
  /** Who is told when it has no room, and what that is called there. */
  readonly escalation?: NoticeTarget & { readonly eventType: string }
  /** What a call of a tool costs, and whether it can be taken back. */
  readonly toolCosts: Readonly<Record<string, { readonly usd: number; readonly irreversible: boolean }>>
}

/** Of manifests that were deployed before there were budgets. */
export const defaultAgentBudget: AgentBudget = { ...defaultBudget, isUnlimited: false, toolCosts: {} }

/** Files with secrets stand on `baseDirectory`. */
export function agentBudget(document: BudgetDocument, baseDirectory: string): AgentBudget {
  const {
    on_exceeded: onExceeded,
    warning_threshold: warningThreshold,
    reset_hour: resetHour,
    timezone: timeZone,
    escalation,
  } = document
  const target = noticeTarget(escalation, baseDirectory)
  const plain: AgentBudget = {
    ...{ onExceeded, warningThreshold, resetHour, timeZone },
    isUnlimited: document.unlimited === true,
    ...(target && escalation ? { escalation: { ...target, eventType: escalation.event_type } } : {}),
    limits: { turn: {}, hour: {}, day: {}, month: {} },
    toolCosts: Object.fromEntries(
      Object.entries(document.tool_costs).map(([tool, { cost, irreversible }]) => [
        tool,
        { usd: fromDollars(cost), irreversible },
      ]),
    ),
  }
  return withPatch(plain, limitsOf(document))
}

/** The budget with what operators laid over it; a field that is null or absent is as it was. */
export function withPatch(budget: AgentBudget, patch: BudgetPatch): AgentBudget {
  if (Object.keys(patch).length === 0) return budget
  const limits: { [Per in Unit | 'turn']: { [K in Kind]?: number | undefined } } = { ...budget.limits }
  for (const { field, per, kind } of limitRows) {
    const limit = patch[field]
    if (typeof limit === 'number') limits[per] = { ...limits[per], [kind]: kind === 'usd' ? fromDollars(limit) : limit }
  }
  return {
    ...budget,
    limits,
    onExceeded: patch.on_exceeded ?? budget.onExceeded,
    warningThreshold: patch.warning_threshold ?? budget.warningThreshold,
    resetHour: patch.reset_hour ?? budget.resetHour,
    timeZone: patch.timezone ?? budget.timeZone,
    isUnlimited: budget.isUnlimited && !limitRows.some(({ field }) => typeof patch[field] === 'number'),
  }
}

/** What operators laid over `before`, without the fields that another manifest says anew. */
export function patchAfter(patch: BudgetPatch, before: AgentBudget, after: AgentBudget): BudgetPatch {
  if (before.isUnlimited !== after.isUnlimited) return {}
  return Object.fromEntries(Object.entries(patch).filter(([field]) => fieldOf(before, field) === fieldOf(after, field)))
}

function fieldOf(budget: AgentBudget, field: string): unknown {
  const row = limitRows.find((each) => each.field === field)
  if (row !== undefined) return budget.limits[row.per][row.kind]
  return {
    on_exceeded: budget.onExceeded,
    warning_threshold: budget.warningThreshold,
    reset_hour: budget.resetHour,
    timezone: budget.timeZone,
  }[field]
}
