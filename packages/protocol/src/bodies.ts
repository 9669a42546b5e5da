import { z } from 'zod'

/** What REST calls bring, where the body is not simply a payload. */
export const doubtDecisionSchema = z.strictObject({
  outcome: z.enum(['done', 'not_done', 'retry'], { error: 'expected done, not_done or retry' }),
  result: z.json().optional(),
})

/** Which of them a request takes is for ring 0 to say, which knows what was asked. */
export const requestDecisionSchema = z.strictObject({
  decision: z.enum(['approve', 'deny'], { error: 'expected approve or deny' }).optional(),
  answer: z.json().optional(),
  edits: z.json().optional(),
  reason: z.string().max(2_000).optional(),
})

export const grantSchema = z.strictObject({ usd: z.number({ error: 'expected an amount of dollars' }) })

export const secretPatchSchema = z.strictObject({
  value: z.string({ error: 'expected the value as a text' }).min(1, { error: 'expected a value' }),
  ttl: z.string({ error: 'expected a duration such as 1h' }).optional(),
})

const moment = z.union([z.int().min(1), z.string().min(1)], {
  error: 'expected the number of a record, a turn or an ISO time',
})
export const rewindSchema = z.strictObject({ to: moment, dry_run: z.boolean().default(true) })
export const forkSchema = z.strictObject({ name: z.string(), at: moment.optional() })

export const redeliverySchema = z.strictObject({ event_ids: z.array(z.string()).min(1).optional() })

export const contextPatchSchema = z.strictObject({ state: z.record(z.string(), z.json()) })
export type ContextPatch = z.output<typeof contextPatchSchema>
