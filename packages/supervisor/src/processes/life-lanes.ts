import type { CoreMessage, Guest, GuestMessage } from '@vigil/protocol'
import type { Channels } from '../bus/channels.ts'
import { type LifeChannels, lifeChannels } from '../bus/life-channels.ts'
import type { ProcessFold } from '../fold/process-fold.ts'
import { type Leases, lifeLeases } from '../vault/life-leases.ts'

/** What passes between a life and ring 0 beside calls, and is on no record: items of channels, and bytes of secrets. */
export interface LifeLanes {
  openChannel: LifeChannels['open']
  hear(message: LaneMessage): void
  /** Nothing passes while the life is held. */
  hold(isHeld: boolean): void
  /** All of a turn. */
  close(turn: string): void
  end(turns: Iterable<string>): void
}

/** What lives of a runtime share. */
export interface LaneParts {
  readonly channels: Channels
  readonly leases: Leases
}

type LaneMessage = Extract<GuestMessage, { t: `channel.${string}` | 'lease' | 'lease.end' }>

export function lifeLanes(
  parts: LaneParts & {
    readonly process: ProcessFold
    readonly guest: Guest
    readonly canLend: boolean
    readonly say: (message: CoreMessage) => void
    /** By turn, what the life works on. */
    readonly running: ReadonlyMap<string, unknown>
    readonly flooded: (message: string) => void
  },
): LifeLanes {
  const { process, guest, canLend, say, running, flooded } = parts
  const channels = lifeChannels({ channels: parts.channels, say, flooded })
  const turnOf = (turn: string) => (running.has(turn) ? process.turns.get(turn) : undefined)
  const leases = lifeLeases({ ...parts.leases, process, guest, canLend, say, turnOf, flooded })
  return {
    openChannel: channels.open,
    hear(message) {
      if (message.t === 'lease' || message.t === 'lease.end') leases.hear(message)
      else channels.hear(message)
    },
    hold(isHeld) {
      channels.hold(isHeld)
      leases.hold(isHeld)
    },
    close(turn) {
      channels.close(turn)
      leases.close(turn)
    },
    end(turns) {
      for (const turn of turns) channels.close(turn)
      leases.end()
    },
  }
}
