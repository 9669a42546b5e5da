import { VigilError } from '@vigil/protocol'
import type { Command } from 'commander'
import { budgetLines, spendLines, turnSpendLines } from './budget-lines.ts'
import type { VerbParts } from './turn-verbs.ts'

/** What agents may spend, and what they have. */
export function addBudgetVerbs(program: Command, { client, show }: VerbParts): void {
  program
    .command('budget <name> [action] [values...]')
    .description(
      'What a process may spend and has; `set FIELD=VALUE...` lays limits over its manifest, `grant USD` gives it more now.',
    )
    .option('--turn <id>', 'what this turn of it took, open or ended, and by which calls')
    .action(
      async (name: string, action: string | undefined, values: string[], { turn }: { readonly turn?: string }) => {
        if (turn !== undefined) {
          if (action !== undefined)
            throw new VigilError('INVALID_ARGUMENT', `expected nothing beside --turn, found ${JSON.stringify(action)}`)
          const view = await client().turnSpend(name, turn)
          return show(view, () => turnSpendLines(view))
        }
        if (action === 'set') {
          const view = await client().changeBudget(name, patchOf(values))
          return show(view, () => [`the budget of ${name} is changed, revision ${view.revision}`])
        }
        if (action === 'grant') {
          const [usd] = values
          const view = await client().grantBudget(name, numberOf(usd ?? '', 'USD'))
          return show(view, () => [`${name} has $${usd} more for the hour, day and month that are now`])
        }
        if (action !== undefined)
          throw new VigilError('INVALID_ARGUMENT', `expected set or grant, found ${JSON.stringify(action)}`)
        const { budget } = await client().process(name)
        show(budget, () => budgetLines(name, budget))
      },
    )
  program
    .command('spend')
    .description('What every agent has spent and reserved.')
    .action(async () => {
      const view = await client().spend()
      show(view, () => spendLines(view))
    })
  program
    .command('confirm-clock')
    .description('Says that the clock is right, which leapt by more than a day: budgets go on.')
    .action(async () => {
      const view = await client().confirmClock()
      show(view, () => ['budgets go on to the period that is now'])
    })
}

function patchOf(values: readonly string[]): Record<string, unknown> {
  if (values.length === 0) throw new VigilError('INVALID_ARGUMENT', 'expected FIELD=VALUE, such as max_daily_cost=10')
  return Object.fromEntries(
    values.map((each) => {
      const [, field, value] = /^([a-z_]+)=(.*)$/.exec(each) ?? []
      if (field === undefined || value === undefined)
        throw new VigilError('INVALID_ARGUMENT', `expected FIELD=VALUE, found ${JSON.stringify(each)}`)
      // Words stay words, and nothing takes the field away again.
      return [field, value === '' ? null : Number.isNaN(Number(value)) ? value : Number(value)]
    }),
  )
}

function numberOf(text: string, what: string): number {
  const number = Number(text)
  if (text.trim() === '' || Number.isNaN(number))
    throw new VigilError('INVALID_ARGUMENT', `expected ${what}, a number, found ${JSON.stringify(text)}`)
  return number
}
