import {
  type CallInput,
  type Clock,
  limits,
  type ProcessName,
  type Random,
  type RecordData,
  type RecordDraft,
  VigilError,
} from '@vigil/protocol'
import { messageReceivers, subscribers } from '../../delivery/routing.ts'
import type { ProcessFold } from '../../fold/process-fold.ts'
import type { World } from '../../fold/world.ts'
import type { CallSite, InsideEffect } from '../effect.ts'

export interface MessageParts {
  readonly world: World
  readonly clock: Clock
  readonly random: Random
}

/** `ctx.publish` and `ctx.send`: one record names the receivers, and with that delivers to all of them. */
export function messageEffects(parts: MessageParts): {
  publish: InsideEffect<'publish'>
  send: InsideEffect<'send'>
} {
  const { world, clock, random } = parts
  return {
    publish: {
      record: ({ process, turn, key }, input) => {
        sized(input.data)
        const publication = {
          event_id: random.uuid(),
          topic: input.topic,
          data: input.data ?? null,
          source: process.name,
          timestamp: isoOf(clock.now()),
          key,
        }
        return {
          ...author(process),
          type: 'bus.published',
          turn: turn.turn,
          data: { ...publication, deliveries: subscribers(world, publication) },
        }
      },
    },
    send: {
      record(site, input) {
        const { priority, ttl_ms } = input
        return messageRecord(parts, site, input, {
          ...(priority === undefined || priority === 'normal' ? {} : { priority }),
          ...(ttl_ms === undefined ? {} : { expires_at: isoOf(clock.now() + ttl_ms) }),
        })
      },
    },
  }
}

/** One message to one process; `terms` say how it is handled there. */
export function messageRecord(
  { world, clock, random }: MessageParts,
  { process, turn, key }: CallSite,
  { to, topic, content }: Pick<CallInput<'send'>, 'to' | 'topic' | 'content'>,
  terms: Pick<RecordData<'message.sent'>, 'priority' | 'expires_at' | 'request'>,
): RecordDraft {
  sized(content)
  const letter = {
    message_id: random.uuid(),
    to,
    sender: process.name,
    ...(topic === undefined ? {} : { topic }),
    content: content ?? null,
    timestamp: isoOf(clock.now()),
    ...terms,
    key,
  }
  return {
    ...author(process),
    type: 'message.sent',
    turn: turn.turn,
    data: { ...letter, deliveries: messageReceivers(world, letter) },
  }
}

export const isoOf = (atMs: number): string => new Date(atMs).toISOString()

const author = (process: ProcessFold) => ({ process: process.name as ProcessName, epoch: process.epoch })

function sized(value: unknown): void {
  const bytes = Buffer.byteLength(JSON.stringify(value ?? null))
  if (bytes > limits.payloadBytes)
    throw new VigilError('TOO_LARGE', `a payload has ${bytes} bytes, at most ${limits.payloadBytes} are taken`)
}
