import { limits, VigilError } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { World } from '../fold/world.ts'
import type { Trigger } from '../manifests/manifest.ts'
import { triggerId } from '../triggers/event-id.ts'
import { contentCheck } from '../triggers/message-schema.ts'
import { topicMatches } from '../triggers/topic-pattern.ts'

export interface Receiver {
  readonly process: string
  readonly trigger_id: string
}

/** Who gets a topic at this instant: one delivery per process, by the first of its triggers that matches. */
export function subscribers(world: World, topic: string, source: string): Receiver[] {
  const found: Receiver[] = []
  for (const process of world.values()) {
    const trigger = process.manifest.triggers.find(
      (each) =>
        each.type === 'event' &&
        topicMatches(each.eventType, topic) &&
        (each.source === undefined || each.source === source),
    )
    if (trigger !== undefined) found.push(receiver(process, trigger))
  }
  if (found.length > limits.subscribers)
    throw new VigilError(
      'TOO_LARGE',
      `${found.length} processes subscribe to ${topic}, at most ${limits.subscribers} may`,
    )
  return found
}

/** The one receiver of a message, which has to listen for it: a letter that nobody reads is refused, not lost. */
export function messageReceivers(
  world: World,
  letter: { to: string; from: string; topic: string | undefined; content: unknown },
): Receiver[] {
  const process = world.get(letter.to)
  if (process === undefined) throw new VigilError('PROCESS_NOT_FOUND', `there is no process "${letter.to}" to send to`)
  const listening = process.manifest.triggers.filter(
    (each) =>
      each.type === 'message' &&
      (each.from === undefined || each.from === letter.from) &&
      (each.topic === undefined || each.topic === letter.topic),
  ) as Extract<Trigger, { type: 'message' }>[]
  const misfits: string[] = []
  const trigger = listening.find((each) => {
    const misfit = contentCheck(each)(letter.content)
    if (misfit !== undefined) misfits.push(misfit)
    return misfit === undefined
  })
  if (misfits[0] !== undefined && trigger === undefined)
    throw new VigilError('PAYLOAD_INVALID', `"${letter.to}" takes what fits its schema: ${misfits[0]}`)
  if (trigger === undefined) {
    throw new VigilError(
      'INVALID_ARGUMENT',
      `"${letter.to}" has no message trigger for messages from "${letter.from}"; add to its manifest: triggers: [{ message: ${letter.from} }]`,
    )
  }
  return [receiver(process, trigger)]
}

function receiver(process: ProcessFold, trigger: Trigger): Receiver {
  if (process.mailbox.size >= process.manifest.mailbox.max) {
    throw new VigilError(
      'MAILBOX_FULL',
      `the mailbox of "${process.name}" holds ${process.mailbox.size} events, its mailbox.max`,
    )
  }
  return { process: process.name, trigger_id: triggerId(trigger) }
}
