import type { ProcessName, RecordDraft } from '@vigil/protocol'
import { fleetPurse } from '../fold/purse-fold.ts'
import type { World } from '../fold/world.ts'
import { type AgentBudget, agentBudget } from './agent-budget.ts'

const none = (): AgentBudget => ({
  ...agentBudget(
    {
      unlimited: true,
      tool_costs: {},
      on_exceeded: 'pause',
      warning_threshold: 0.8,
      reset_hour: 0,
      timezone: 'UTC',
    },
    '/',
  ),
})

/** The purse of the configuration, where it is another than what the log knows; what was spent stays spent. */
export function fleetRecords(world: World, budget: AgentBudget | undefined): RecordDraft[] {
  const known = world.get(fleetPurse)?.manifest.budget
  const wanted = budget ?? (known === undefined ? undefined : none())
  if (wanted === undefined || JSON.stringify(wanted) === JSON.stringify(known)) return []
  const data = { budget: { ...wanted }, by: 'configuration' }
  return [{ process: fleetPurse as ProcessName, epoch: 0, type: 'budget.changed', data }]
}
