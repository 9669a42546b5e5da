import { limits, VigilError } from '@vigil/protocol'

/**
 * Who has which channel open in this ring 0. Nothing is kept: what is sent is handed at once to everyone who has opened the name
 * before, except the sender.
 */
export interface Channels {
  /** @throws TOO_LARGE when as many have it open as may */
  join(name: string, hear: Hear): Member
}

/** Items are JSON texts. */
export type Hear = (items: readonly string[]) => void

export interface Member {
  readonly send: Hear
  leave(): void
}

export function busChannels(): Channels {
  const open = new Map<string, Set<Hear>>()
  return {
    join(name, hear) {
      const members = open.getOrInsertComputed(name, () => new Set())
      if (members.size >= limits.channelMembers)
        throw new VigilError('TOO_LARGE', `the channel "${name}" is open ${members.size} times, as often as it may be`)
      members.add(hear)
      return {
        send(items) {
          for (const other of members) if (other !== hear) other(items)
        },
        leave() {
          members.delete(hear)
          if (members.size === 0 && open.get(name) === members) open.delete(name)
        },
      }
    },
  }
}
