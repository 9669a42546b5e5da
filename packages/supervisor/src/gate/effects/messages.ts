import { type Clock, limits, type ProcessName, type Random, VigilError } from '@vigil/protocol'
import { messageReceivers, subscribers } from '../../delivery/routing.ts'
import type { ProcessFold } from '../../fold/process-fold.ts'
import type { World } from '../../fold/world.ts'
import type { InsideEffect } from '../effect.ts'

interface Parts {
  readonly world: World
  readonly clock: Clock
  readonly random: Random
}

/** `ctx.publish` and `ctx.send`: one record names the receivers, and with that delivers to all of them. */
export function messageEffects({ world, clock, random }: Parts): {
  publish: InsideEffect<'publish'>
  send: InsideEffect<'send'>
} {
  const timestamp = (): string => new Date(clock.now()).toISOString()
  return {
    publish: {
      record: ({ process, turn, key }, input) => {
        sized(input.data)
        const event_id = random.uuid()
        const deliveries = subscribers(world, input.topic, process.name).map((each) => ({ ...each, event_id }))
        return {
          ...author(process),
          type: 'bus.published',
          turn: turn.turn,
          data: {
            event_id,
            topic: input.topic,
            data: input.data ?? null,
            source: process.name,
            timestamp: timestamp(),
            key,
            deliveries,
          },
        }
      },
    },
    send: {
      record: ({ process, turn, key }, input) => {
        sized(input.content)
        const message_id = random.uuid()
        const deliveries = messageReceivers(world, { to: input.to, from: process.name, topic: input.topic }).map(
          (each) => ({ ...each, event_id: message_id }),
        )
        const topic = input.topic === undefined ? {} : { topic: input.topic }
        return {
          ...author(process),
          type: 'message.sent',
          turn: turn.turn,
          data: {
            message_id,
            to: input.to,
            sender: process.name,
            ...topic,
            content: input.content ?? null,
            timestamp: timestamp(),
            key,
            deliveries,
          },
        }
      },
    },
  }
}

const author = (process: ProcessFold) => ({ process: process.name as ProcessName, epoch: process.epoch })

function sized(value: unknown): void {
  const bytes = Buffer.byteLength(JSON.stringify(value ?? null))
  if (bytes > limits.payloadBytes)
    throw new VigilError('TOO_LARGE', `a payload has ${bytes} bytes, at most ${limits.payloadBytes} are taken`)
}
