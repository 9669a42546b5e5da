import { z } from 'zod'
import { budgetRecords } from './budget-records.ts'
import type { ProcessName } from './ids.ts'
import { memoryRecords } from './memory-records.ts'
import { conversationSchema } from './model.ts'
import { processRecords } from './process-records.ts'
import { type RecordRow, record } from './record-row.ts'
import { amounts, batched, by, dedupe, error, event, outcome, purses, writeSetSchema } from './record-shapes.ts'
import { secretRecords } from './secret-records.ts'

export const recordTable = {
  'runtime.started': record(
    [],
    'Ring 0 opened the journal and begins to act.',
    z.strictObject({ version: z.string(), node: z.string(), pid: z.number() }),
  ),
  'runtime.stopped': record([], 'Ring 0 ends in order.', z.strictObject({})),
  'journal.tail_truncated': record(
    [],
    'A torn end of the log was moved aside at start.',
    z.strictObject({ moved_to: z.string(), bytes: z.number() }),
  ),
  'journal.disk_filled': record(
    [],
    'The disk is full: nothing new is accepted, and what was begun is recorded in the room of the ballast file.',
    z.strictObject({}),
  ),
  'journal.disk_freed': record(
    [],
    'The disk has room again: events are accepted and turns go on.',
    z.strictObject({ closed_ms: z.number() }),
  ),
  'journal.record_lost': record(
    ['process'],
    'What stood here could not be read any more when the log was repaired. @lost has those whose process is not known.',
    z.strictObject({ salt: z.string().optional().describe('joins the chain of checksums') }),
  ),
  'journal.repaired': record(
    ['process'],
    'Damage of the log was repaired: so many records of this process, or for @runtime of all, may be lost.',
    z.strictObject({
      lost: z.array(z.strictObject({ from_seq: z.number(), to_seq: z.number() })),
      at_most: z.number(),
      processes: z.array(z.string()).optional().describe('whom it may concern'),
      moved_to: z.array(z.string()).optional().describe('files that hold the bytes as they were found'),
    }),
  ),
  'journal.body_lost': record(
    [],
    'A repair found that a body beside the log is missing, or moved aside what stood in its place.',
    z.strictObject({
      owner: z.string().describe('whose records name it'),
      blob: z.string(),
      what: z.string(),
      moved_to: z.string().optional(),
    }),
  ),

  'clock.stepped': record(
    ['mailbox', 'turns'],
    'The wall clock was set, by so many milliseconds (below zero: back). Dedupe keys, and turns that count against a rate, age by the time that passed.',
    z.strictObject({ by_ms: z.number() }),
  ),

  'journal.damage_found': record(
    [],
    'A segment of the log cannot be read whole any more; told once for each.',
    z.strictObject({ segment: z.string(), offset: z.number() }),
  ),

  ...processRecords,
  'trigger.accepted': record(
    ['mailbox', 'triggers'],
    'An event is ours: it will end exactly once.',
    z.strictObject({ event, ...dedupe }),
  ),
  'trigger.added': record(
    ['triggers'],
    'Somebody gave the process a trigger beside those of its manifest, or turned one of the manifest on again.',
    z.strictObject({ trigger_id: z.string(), trigger: z.record(z.string(), z.unknown()), by }),
  ),
  'trigger.removed': record(
    ['triggers'],
    'Somebody took away a trigger that was added, or turned one of the manifest off.',
    z.strictObject({ trigger_id: z.string(), by }),
  ),
  'trigger.baseline': record(
    ['triggers'],
    'What a file trigger saw and does not deliver: path and version, and paths that are gone.',
    z.strictObject({
      trigger_id: z.string(),
      files: z.array(z.tuple([z.string(), z.string()])),
      removed: z.array(z.string()).optional(),
    }),
  ),
  'trigger.armed': record(
    ['triggers'],
    'A cron trigger has decided about its slots up to here: so many had passed unseen and so many met an unfinished one.',
    z.strictObject({
      trigger_id: z.string(),
      from: z.string(),
      missed: z.number().optional(),
      skipped: z.number().optional(),
    }),
  ),
  'bus.published': record(
    ['mailbox', 'turns'],
    'A topic was published: naming its subscribers is delivering to them.',
    z.strictObject({
      event_id: z.string(),
      topic: z.string(),
      data: z.unknown(),
      source: z.string(),
      timestamp: z.string(),
      key: z.string().optional(),
      deliveries: z.array(z.strictObject({ process: z.string(), trigger_id: z.string(), event_id: z.string() })),
    }),
  ),
  'message.sent': record(
    ['mailbox', 'turns'],
    'One process wrote to another; the record is in the mailbox of the receiver.',
    z.strictObject({
      message_id: z.string(),
      to: z.string(),
      sender: z.string(),
      topic: z.string().optional(),
      content: z.unknown(),
      timestamp: z.string(),
      priority: z.enum(['high', 'low']).optional(),
      expires_at: z.string().optional(),
      request: z
        .strictObject({ deadline: z.string(), timeout_ms: z.number() })
        .optional()
        .describe("the sender waits so long for the result of the receiver's turn"),
      key: z.string().optional(),
      deliveries: z.array(z.strictObject({ process: z.string(), trigger_id: z.string(), event_id: z.string() })),
    }),
  ),

  'state.patched': record(
    ['state'],
    'Somebody outside a turn set keys, in a commit of its own.',
    z.strictObject({ set: z.record(z.string(), z.unknown()), by }),
  ),
  'state.overwritten': record(
    [],
    'A turn set or deleted a key that somebody else had committed since the turn read its snapshot.',
    z.strictObject({ key: z.string(), overwritten: z.string().describe('turn id, or who patched'), by: z.string() }),
  ),
  'state.rewound': record(
    ['state'],
    'A person brought the state and the conversation back to what they were at record `to`, in a commit of its own.',
    z.strictObject({
      to: z.number(),
      set: z.record(z.string(), z.unknown()),
      delete: z.array(z.string()),
      conversation: conversationSchema.optional(),
      by,
    }),
  ),
  'turn.started': record(
    ['turns', 'mailbox', 'purse'],
    'An attempt began; written lazily, with the first effect.',
    z.strictObject({
      event_id: z.string(),
      event_ids: batched,
      attempt: z.number(),
      bundle: z.string(),
      started_at: z.string(),
      rate: z.number().optional().describe('so many starts of this trigger are remembered'),
      purses,
      salt: z.string().optional().describe('what nobody outside can know of the placeholders of its secrets'),
      trace: z.string().optional().describe('the span of OpenTelemetry that begins here, as a traceparent'),
    }),
  ),
  'turn.ran': record(
    ['turns'],
    'So long an attempt has run by now: at the end of a life, and each time that a quarter of `max_turn` has gone by.',
    z.strictObject({ attempt: z.number(), ms: z.number() }),
  ),
  'turn.attempt_failed': record(
    ['turns'],
    'An attempt threw and will be tried again.',
    z.strictObject({ attempt: z.number(), error, retry_at: z.string() }),
  ),
  'turn.completed': record(
    ['turns', 'mailbox', 'state', 'process'],
    'A turn ended well: result, write set and mailbox ack in one.',
    z.strictObject({
      event_id: z.string(),
      event_ids: batched,
      attempt: z.number(),
      result: z.unknown(),
      writes: writeSetSchema,
    }),
  ),
  'turn.dead_lettered': record(
    ['turns', 'mailbox', 'process'],
    'A turn ended badly; the event is kept for people.',
    z.strictObject({ event_id: z.string(), event_ids: batched, attempts: z.number(), reason: z.string(), error }),
  ),
  'turn.cancelled': record(
    ['turns', 'mailbox', 'process'],
    'A person or a policy ended a turn, or an event whose turn had not begun.',
    z.strictObject({ event_id: z.string(), event_ids: batched, reason: z.string(), by }),
  ),
  'turn.parked': record(
    ['turns'],
    'A turn cannot go on before a person says whether these effects happened.',
    z.strictObject({ attempt: z.number(), doubts: z.array(z.string()), error }),
  ),
  'doubt.resolved': record(
    ['turns', 'purse'],
    'A person said what became of an effect: done (with a result), or to be made now.',
    z.strictObject({
      key: z.string(),
      outcome: z.enum(['done', 'not_done', 'retry']),
      result: z.unknown().optional(),
      refunded: amounts.optional().describe('what it was charged for and is not to pay'),
      charged_at: z.string().optional().describe('the periods of then get it back, unless they are over'),
      purses,
      by,
    }),
  ),
  'dead_letter.redelivered': record(
    ['mailbox', 'process'],
    'A dead letter left the list and came into the mailbox again, as an event of its own.',
    z.strictObject({ event_id: z.string(), event, by }),
  ),
  'dead_letter.discarded': record(
    ['process'],
    'Dead letters left the list for good.',
    z.strictObject({ event_ids: z.array(z.string()), by }),
  ),

  ...budgetRecords,
  'turn.suspended': record(
    ['turns'],
    'All that the turn does is wait for people, and its guest has let go of it: it goes on when one of them has spoken.',
    z.strictObject({ attempt: z.number() }),
  ),
  'request.opened': record(
    ['turns', 'requests'],
    'A turn asks people for something and waits until one of them decides or the deadline passes.',
    z.strictObject({
      id: z.string(),
      key: z.string(),
      call: z.string().describe('the kind of the call that waits'),
      kind: z.enum(['approval', 'question', 'budget']),
      asked: z.unknown(),
      input_hash: z.string().describe('of the input that the decision is bound to'),
      deadline: z.string(),
      timeout_ms: z.number(),
      on_timeout: z.enum(['deny', 'approve', 'escalate', 'default', 'reject']),
    }),
  ),
  'request.decided': record(
    ['turns', 'requests'],
    'A person decided a request; the outcome is what the turn gets.',
    z.strictObject({
      id: z.string(),
      key: z.string(),
      decision: z.enum(['approved', 'denied', 'answered']),
      reason: z.string().optional(),
      outcome,
      by,
    }),
  ),
  'request.expired': record(
    ['turns', 'requests'],
    'Nobody decided a request in time. With an outcome that is what the turn gets; without one it waits once more, until the new deadline.',
    z.strictObject({
      id: z.string(),
      key: z.string(),
      policy: z.enum(['deny', 'approve', 'escalate', 'default', 'reject']),
      outcome: outcome.optional(),
      deadline: z.string().optional(),
    }),
  ),

  'notice.queued': record(
    ['notices', 'requests', 'purse'],
    'People are to be told something. Without `to` there is nobody to send it to, and it is told on the bus and in the status alone.',
    z.strictObject({
      id: z.string().describe('the same in every try'),
      event_type: z.string(),
      text: z.string(),
      data: z.unknown(),
      to: z.unknown().optional().describe('URL or where it lies, format, where the secret lies'),
      request: z.string().optional().describe('the request that it is about'),
      paused: z.boolean().optional().describe('it is about what the process waits for: its budget'),
    }),
  ),
  'notice.sent': record(
    ['notices'],
    'The other side took a notice.',
    z.strictObject({ id: z.string(), attempt: z.number(), status: z.number() }),
  ),
  'notice.failed': record(
    ['notices'],
    'A try to send a notice failed. It is tried again at `retry_at`; without that it is given up.',
    z.strictObject({ id: z.string(), attempt: z.number(), error, retry_at: z.string().optional() }),
  ),

  'effect.intended': record(
    ['turns', 'purse'],
    'An effect on the outside is about to act.',
    z.strictObject({
      key: z.string(),
      kind: z.string(),
      input: z.unknown(),
      idempotency_key: z.string().optional(),
      repeatable: z.boolean(),
      reserved: amounts.optional(),
      purses,
    }),
  ),
  'effect.repeated': record(
    ['turns', 'purse'],
    'A guest is about to run a tool again of which nobody knows what came of its last run: that one is charged, and as much is reserved for the next.',
    z.strictObject({ key: z.string(), reserved: amounts, purses }),
  ),
  'effect.completed': record(
    ['turns', 'purse'],
    'The outcome of an effect; the guest gets it again after a crash.',
    z.strictObject({
      key: z.string(),
      kind: z.string(),
      outcome,
      rerun: z.boolean().optional(),
      spent: amounts.optional(),
      released: amounts.optional().describe('what was reserved for it; absent when that is what was spent'),
      purses,
    }),
  ),
  ...secretRecords,
  ...memoryRecords,
} satisfies Record<string, RecordRow<z.ZodType>>

export type RecordType = keyof typeof recordTable
export type RecordData<T extends RecordType> = z.infer<(typeof recordTable)[T]['data']>

interface DraftOf<T extends RecordType> {
  readonly process: ProcessName
  readonly epoch: number
  readonly type: T
  readonly turn?: string
  readonly data: RecordData<T>
}
/** A record before the journal gave it a place. */
export type RecordDraft = { [T in RecordType]: DraftOf<T> }[RecordType]

/** `seq`: place in the log · `n`: place in its process · `at`: ISO wall time. */
export type JournalRecord = RecordDraft & { readonly seq: number; readonly n: number; readonly at: string }
