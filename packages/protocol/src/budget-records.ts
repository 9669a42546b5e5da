import { z } from 'zod'
import { record } from './record-row.ts'
import { amounts, budgetLimit, by, purses } from './record-shapes.ts'

/** What happens to budgets beside effects: those say themselves what they reserve and what they have cost. */
export const budgetRecords = {
  'clock.confirmed': record(
    ['purse'],
    'A person says that the clock is right, which had leapt by more than a day: budgets go on to the period that is now.',
    z.strictObject({ by }),
  ),
  'budget.changed': record(
    ['purse'],
    'Somebody changed limits of a process; null is again what the manifest says. Of @fleet: the purse that the configuration gives to all together.',
    z.strictObject({
      set: z.record(z.string(), z.unknown()).optional(),
      budget: z.record(z.string(), z.unknown()).optional().describe('of @fleet: all of it'),
      by,
    }),
  ),
  'budget.granted': record(
    ['turns', 'purse'],
    'Somebody gave a process more, for the hour, day and month that are now, or a turn of it: `usd` in millionths of a dollar.',
    z.strictObject({
      usd: z.int().min(1).optional(),
      amounts: amounts.optional().describe('what was asked for, instead of usd'),
      for_turn: z.boolean().optional().describe('for the turn that asked, and nothing else'),
      by,
    }),
  ),
  'budget.warned': record(['purse'], 'A limit comes near; told once in each period.', z.strictObject(budgetLimit)),
  'budget.exceeded': record(
    ['purse'],
    'A call did not fit into a limit and was not made. `policy` is what follows for the process that made it.',
    z.strictObject({
      ...budgetLimit,
      owner: z.string().describe('whose limit it is: its own, of one above it, of @fleet'),
      asked: z.number(),
      reserved: z.number(),
      policy: z.enum(['pause', 'escalate', 'stop', 'nothing']),
      until: z.string().optional().describe('when the next period begins'),
    }),
  ),
  'budget.charged': record(
    ['turns', 'purse'],
    'A turn ends with calls of which nobody knows what came of them: they are charged with the worst, whatever is heard of them later.',
    z.strictObject({ amounts, purses }),
  ),
  'budget.resumed': record(
    ['purse'],
    'A process that waited for its budget goes on.',
    z.strictObject({ by: z.enum(['reset', 'operator']) }),
  ),
}
