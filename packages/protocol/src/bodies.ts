import { z } from 'zod'

/** What REST calls bring, where the body is not simply a payload. */
export const doubtDecisionSchema = z.strictObject({
  outcome: z.enum(['done', 'not_done', 'retry'], { error: 'expected done, not_done or retry' }),
  result: z.json().optional(),
})

export const redeliverySchema = z.strictObject({ event_ids: z.array(z.string()).min(1).optional() })

export const contextPatchSchema = z.strictObject({ state: z.record(z.string(), z.json()) })
export type ContextPatch = z.output<typeof contextPatchSchema>
