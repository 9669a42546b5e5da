import type { RecordType } from './records.ts'

/**
 * Where in its data a record carries what users made and may be large. State has no place here: whoever replays has to make
 * it anew, however old it is.
 */
export const bodyPaths: { readonly [T in RecordType]?: readonly string[] } = {
  'trigger.accepted': ['event', 'payload'],
  'dead_letter.redelivered': ['event', 'payload'],
  'bus.published': ['data'],
  'message.sent': ['content'],
  'effect.completed': ['outcome', 'value'],
  'request.opened': ['asked'],
  'notice.queued': ['data'],
  'request.decided': ['outcome', 'value'],
  'turn.completed': ['result'],
  'memory.stored': ['text'],
}

/** What stands in the line of a record in the place of a large body; `gone` when nobody has it any more. */
export interface BodyReference {
  /** SHA-256 of the body as JSON, hex. */
  readonly $blob: string
  readonly bytes: number
  readonly gone?: true
}

export function isBodyReference(value: unknown): value is BodyReference {
  const { $blob, bytes } = (value ?? {}) as Partial<BodyReference>
  return typeof $blob === 'string' && /^[0-9a-f]{64}$/.test($blob) && typeof bytes === 'number'
}
