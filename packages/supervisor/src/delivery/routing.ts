import { type JournalRecord, limits, type RecordData, VigilError } from '@vigil/protocol'
import { deliveredEvent } from '../fold/mailbox-fold.ts'
import type { ProcessFold } from '../fold/process-fold.ts'
import { triggersOf } from '../fold/trigger-layers.ts'
import type { World } from '../fold/world.ts'
import type { Trigger } from '../manifests/manifest.ts'
import { triggerId } from '../triggers/event-id.ts'
import { contentCheck } from '../triggers/message-schema.ts'
import { topicMatches } from '../triggers/topic-pattern.ts'
import { refusal } from './intake.ts'

/** A record that delivers, before it is known to whom. */
type Publication = Omit<RecordData<'bus.published'>, 'deliveries'>
type MessageTrigger = Extract<Trigger, { type: 'message' }>
type Letter = Omit<RecordData<'message.sent'>, 'deliveries'>
type Delivery = RecordData<'bus.published'>['deliveries'][number]

/** Who gets a publication at this instant: one delivery per process, by the first of its triggers that takes it. */
export function subscribers(world: World, publication: Publication): Delivery[] {
  const { topic, source, event_id } = publication
  const found: Delivery[] = []
  for (const process of world.values()) {
    const trigger = triggersOf(process).find(
      (each) =>
        each.type === 'event' &&
        topicMatches(each.eventType, topic) &&
        (each.source === undefined || each.source === source) &&
        refusal(process, each, () => deliveredEvent({ type: 'bus.published', data: publication }, triggerId(each))) ===
          undefined,
    )
    if (trigger !== undefined) found.push(delivery(process, trigger, event_id))
  }
  if (found.length > limits.subscribers)
    throw new VigilError(
      'TOO_LARGE',
      `${found.length} processes subscribe to ${topic}, at most ${limits.subscribers} may`,
    )
  return found
}

/** The one receiver of a message, which has to listen for it: a letter that nobody reads is refused, not lost. */
export function messageReceivers(world: World, letter: Letter): Delivery[] {
  const { to, sender, topic } = letter
  const process = world.get(to)
  if (process === undefined) throw new VigilError('PROCESS_NOT_FOUND', `there is no process "${to}" to send to`)
  const listening = triggersOf(process).filter(
    (each): each is MessageTrigger =>
      each.type === 'message' &&
      (each.from === undefined || each.from === sender) &&
      (each.topic === undefined || each.topic === topic),
  )
  if (listening.length === 0) {
    throw new VigilError(
      'INVALID_ARGUMENT',
      `"${to}" has no message trigger for messages from "${sender}"; add to its manifest: triggers: [{ message: ${sender} }]`,
    )
  }
  const event = (each: Trigger) => deliveredEvent({ type: 'message.sent', data: letter }, triggerId(each))
  const misfits: string[] = []
  const trigger = listening.find((each) => {
    if (refusal(process, each, () => event(each)) !== undefined) return false
    const misfit = contentCheck(each)(letter.content)
    if (misfit !== undefined) misfits.push(misfit)
    return misfit === undefined
  })
  if (trigger === undefined && misfits[0] !== undefined)
    throw new VigilError('PAYLOAD_INVALID', `"${to}" takes what fits its schema: ${misfits[0]}`)
  if (trigger === undefined) {
    const found = listening.map(({ filter }) => (filter === undefined ? 'a disabled one' : `the filter ${filter}`))
    throw new VigilError(
      'INVALID_ARGUMENT',
      `"${to}" takes no such message from "${sender}": expected a message trigger that takes it, found ${found.join(', ')}`,
    )
  }
  return [delivery(process, trigger, letter.message_id)]
}

function delivery(process: ProcessFold, trigger: Trigger, event_id: string): Delivery {
  if (process.mailbox.size >= process.manifest.mailbox.max) {
    throw new VigilError(
      'MAILBOX_FULL',
      `the mailbox of "${process.name}" holds ${process.mailbox.size} events, its mailbox.max`,
    )
  }
  return { process: process.name, trigger_id: triggerId(trigger), event_id }
}

/** What a record puts into whose mailbox. */
export function arrivals(record: JournalRecord): readonly { readonly process: string; readonly event_id: string }[] {
  if (record.type === 'trigger.accepted') return [{ process: record.process, event_id: record.data.event.event_id }]
  return record.type === 'bus.published' || record.type === 'message.sent' ? record.data.deliveries : []
}
