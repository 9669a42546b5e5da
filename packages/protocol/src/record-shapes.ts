import { z } from 'zod'
import { exitCauseSchema } from './exit-cause.ts'
import { conversationWritesSchema } from './model.ts'

/** What several records have in common. */
export const error = z.strictObject({
  code: z.string(),
  message: z.string(),
  help: z.string().optional(),
  details: z.unknown().optional(),
})
export type RecordedError = z.infer<typeof error>

/** Also the name of a type of trigger that a program has registered. */
type EventType = 'cron' | 'webhook' | 'file_watch' | 'event' | 'message' | 'manual' | (string & {})

/** An event as it enters a mailbox. */
export const event = z.strictObject({
  event_id: z.string(),
  trigger_id: z.string(),
  type: z.string() as z.ZodType<EventType>,
  timestamp: z.string(),
  payload: z.unknown(),
  metadata: z.record(z.string(), z.unknown()),
  /** Of a message: it is handled before or after the others that wait. */
  priority: z.enum(['high', 'low']).optional(),
  /** Of a message: its turn begins before this instant or never. */
  expires_at: z.string().optional(),
})
export type AcceptedEvent = z.infer<typeof event>

/** Dedupe key of an event inside its trigger, and the hash of the body that came first under it. */
export const dedupe = { key: z.string().optional(), body_hash: z.string().optional() }

export const by = z.string().describe('who asked: operator, manifest, program, policy')

/**
 * A committed write set: `set` replaces values, `delete` removes keys, `add` and `append` are applied to what stands there at commit.
 * `updated` names keys of `set` whose values were computed from what stood there: nothing is lost by them.
 */
export const writeSetSchema = z.strictObject({
  set: z.record(z.string(), z.unknown()).optional(),
  delete: z.array(z.string()).optional(),
  add: z.record(z.string(), z.number()).optional(),
  append: z.record(z.string(), z.array(z.unknown())).optional(),
  updated: z.array(z.string()).optional(),
  conversation: conversationWritesSchema.optional(),
})
export type WriteSet = z.infer<typeof writeSetSchema>

/** What became of an effect. `repeatable` failures are done again by the next attempt. */
export const outcome = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), value: z.unknown() }),
  z.strictObject({ ok: z.literal(false), error }),
])
export type Outcome = z.infer<typeof outcome>

const count = z.int().min(0).optional()
/** What an effect may cost at most, or has cost: `usd` in millionths of a dollar, so that sums are exact. */
export const amounts = z.strictObject({
  usd: count,
  tokens: count,
  tool_calls: count,
  model_calls: count,
  irreversible: count,
})
export type Amounts = z.infer<typeof amounts>

/** Whose purses above its own a process takes from, too: a record names all that it changes. */
export const purses = z.array(z.string()).optional().describe('above its own, from which it is taken too')

/** A limit, and how much of it is spent. */
export const budgetLimit = {
  per: z.enum(['turn', 'hour', 'day', 'month']),
  kind: z.enum(['usd', 'tokens', 'tool_calls', 'model_calls', 'irreversible', 'runs']),
  limit: z.number(),
  spent: z.number(),
}

// Shapes that several records share have a name of their own in docs/records.md.
for (const [id, shape] of Object.entries({
  event,
  outcome,
  error,
  exit_cause: exitCauseSchema,
  writes: writeSetSchema,
  amounts,
}))
  z.globalRegistry.add(shape, { id })

/** All events of a turn that took several; `event_id` is the first of them. */
export const batched = z.array(z.string()).optional()

/** Every event that ends with the turn of this record. */
export const eventsOf = (data: { readonly event_id: string; readonly event_ids?: readonly string[] | undefined }) =>
  data.event_ids ?? [data.event_id]
