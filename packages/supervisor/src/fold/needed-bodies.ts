import { bodyHash, isGone } from '@vigil/journal'
import type { AcceptedEvent, BodyReference } from '@vigil/protocol'
import type { MemoryEntry, ProcessFold } from './process-fold.ts'

/** A body never changes, and is looked at by every sweep: written as JSON and hashed once in its life. */
const hashes = new WeakMap<object, string | undefined>()

function hashOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return bodyHash(body)
  if (!hashes.has(body)) hashes.set(body, bodyHash(body))
  return hashes.get(body)
}

function textHash(entry: MemoryEntry): string | undefined {
  if (!hashes.has(entry)) hashes.set(entry, bodyHash(entry.text))
  return hashes.get(entry)
}

/** The hashes of all large bodies without which an event, an open turn, a dead letter or a memory would not be whole after a restart. */
export function neededBodies(world: ReadonlyMap<string, ProcessFold>): Set<string> {
  const needed = new Set<string>()
  for (const process of world.values()) {
    for (const entry of process.memory.values()) {
      const hash = textHash(entry)
      if (hash !== undefined) needed.add(hash)
    }
    for (const body of bodiesIn(process)) {
      const hash = hashOf(body)
      if (hash !== undefined) needed.add(hash)
    }
    const others = [
      ...[...process.requests.values()].map(({ asked }) => asked),
      ...[...process.notices.values()].map(({ data }) => data),
    ]
    for (const body of others) {
      const hash = hashOf(body)
      if (hash !== undefined) needed.add(hash)
    }
  }
  return needed
}

/** A body of its events, open turns or dead letters that is not there any more. */
export const goneBody = (process: Pick<ProcessFold, 'mailbox' | 'deadLetters' | 'turns'>): BodyReference | undefined =>
  bodiesIn(process).find(isGone) as BodyReference | undefined

/** Whether an event came back from the log without its body. */
export const lacksBody = (event: AcceptedEvent): boolean => bodiesOf(event).some(isGone)

function* bodiesIn({
  mailbox,
  deadLetters,
  turns,
}: Pick<ProcessFold, 'mailbox' | 'deadLetters' | 'turns'>): Generator<unknown> {
  for (const event of mailbox.values()) yield* bodiesOf(event)
  for (const { event } of deadLetters) yield* bodiesOf(event)
  for (const { effects } of turns.values())
    for (const { outcome } of effects.values()) if (outcome?.ok === true) yield outcome.value
}

/** A publication and a message are recorded by themselves, and stand in the payload of the event that each receiver sees. */
function bodiesOf({ type, payload }: AcceptedEvent): unknown[] {
  const { data, content } = (payload ?? {}) as { readonly data?: unknown; readonly content?: unknown }
  return type === 'event' ? [payload, data] : type === 'message' ? [payload, content] : [payload]
}
