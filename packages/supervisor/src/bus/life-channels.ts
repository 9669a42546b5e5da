import {
  type CoreMessage,
  callSchemas,
  errorBody,
  type GuestMessage,
  limits,
  type Outcome,
  VigilError,
} from '@vigil/protocol'
import type { Channels, Member } from './channels.ts'
import { type ReaderQueue, readerQueue } from './reader-queue.ts'

type ChannelMessage = Extract<GuestMessage, { t: `channel.${string}` }>
type Batch = Extract<GuestMessage, { t: 'channel.send' }>

/** The channels that the turns of one life have open. While the life is held it hears nothing, and what it says waits. */
export interface LifeChannels {
  open(turn: string, input: unknown): Outcome
  /** Of a channel that is not open any more nothing is heard. */
  hear(message: ChannelMessage): void
  hold(isHeld: boolean): void
  /** All of a turn. */
  close(turn: string): void
}

interface Open {
  readonly member: Member
  readonly queue: ReaderQueue
  /** Batches that came while the life was held. */
  readonly held: Batch[]
  readonly pass: () => void
}

export function lifeChannels(parts: {
  readonly channels: Channels
  readonly say: (message: CoreMessage) => void
  /** The guest sends without waiting for what it sent to be taken. */
  readonly flooded: (message: string) => void
}): LifeChannels {
  const { channels, say, flooded } = parts
  const turns = new Map<string, Map<number, Open>>()
  let isHeld = false

  const join = (turn: string, input: unknown): void => {
    const { channel, name } = callSchemas.channel.parse(input)
    const own = turns.getOrInsertComputed(turn, () => new Map())
    if (own.has(channel)) throw new VigilError('INVALID_ARGUMENT', `the turn has a channel ${channel} already`)
    if (own.size >= limits.channelsOfTurn)
      throw new VigilError('TOO_LARGE', `a turn may have ${limits.channelsOfTurn} channels open, close one`)
    const queue = readerQueue()
    const pass = (): void => {
      const batch = isHeld ? undefined : queue.take()
      if (batch !== undefined) say({ t: 'channel.items', turn, channel, ...batch })
    }
    const member = channels.join(name, (items) => {
      queue.add(items)
      pass()
    })
    own.set(channel, { member, queue, held: [], pass })
  }

  const send = ({ member }: Open, { turn, channel, items }: Batch): void => {
    member.send(items)
    say({ t: 'channel.taken', turn, channel })
  }

  const keep = ({ held }: Open, batch: Batch): void => {
    held.push(batch)
    // An honest guest has no more than this on its way.
    const chars = held.reduce((sum, { items }) => sum + items.reduce((length, item) => length + item.length, 0), 0)
    if (held.length > limits.channelWaiting || chars > limits.channelWaitingBytes)
      flooded(`the guest has sent ${held.length} batches over a channel, and none of them was taken`)
  }

  return {
    open(turn, input) {
      try {
        join(turn, input)
        return { ok: true, value: null }
      } catch (error) {
        return { ok: false, error: errorBody(error, 'INVALID_ARGUMENT') }
      }
    },
    hear(message) {
      const own = turns.get(message.turn)
      const open = own?.get(message.channel)
      if (own === undefined || open === undefined) return
      switch (message.t) {
        case 'channel.send':
          return isHeld ? keep(open, message) : send(open, message)
        case 'channel.grant':
          open.queue.grant(message.items)
          return open.pass()
        case 'channel.close':
          open.member.leave()
          own.delete(message.channel)
      }
    },
    hold(held) {
      isHeld = held
      if (held) return
      for (const own of turns.values()) {
        for (const open of own.values()) {
          for (const batch of open.held.splice(0)) send(open, batch)
          open.pass()
        }
      }
    },
    close(turn) {
      for (const { member } of turns.get(turn)?.values() ?? []) member.leave()
      turns.delete(turn)
    },
  }
}
