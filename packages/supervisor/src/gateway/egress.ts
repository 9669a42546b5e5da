import type { BrokeredSecret } from '@vigil/protocol'
import { Agent, type Dispatcher } from 'undici'
import type { Destination, Grant } from './destination.ts'
import { pinnedConnector, type Resolver } from './pinned-connector.ts'
import { type Swap, swapHeader, swapOf } from './secret-swap.ts'

/** Sockets out of the house: each reaches what its destination allows, and puts secrets in the place of their placeholders. */
export interface Egress {
  /** For one request. `headers` have to be sent as they are; `end` when its answer is read. */
  begin(destination: Destination, request: EgressRequest): EgressLeave
  /** Leaves no socket open. */
  close(): Promise<void>
}

export interface EgressRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | undefined
  readonly secrets: readonly BrokeredSecret[]
}

export interface EgressLeave {
  readonly dispatcher: Dispatcher
  readonly headers: Readonly<Record<string, string>>
  end(): void
}

export interface EgressOptions {
  readonly ownPorts: ReadonlySet<number>
  readonly resolver?: Resolver | undefined
  /** One slow origin must not take all sockets of this process; null: somebody else counts. */
  readonly socketsPerOrigin: number | null
}

export function egress({ ownPorts, resolver, socketsPerOrigin }: EgressOptions): Egress {
  const swaps = new Map<string, Swap>()
  let sends = 0
  // An open connection serves whoever asks for its origin: those that may reach less have connections of their own.
  const agents = new Map<Grant, Agent>()
  const agentOf = (grant: Grant): Agent =>
    agents.getOrInsertComputed(
      grant,
      () =>
        // Deadlines of requests cover headers and body, so undici's own are off: one cause, one error.
        new Agent({
          connections: socketsPerOrigin,
          headersTimeout: 0,
          bodyTimeout: 0,
          connect: pinnedConnector({ grant, ownPorts, swaps, resolver }),
        }),
    )

  return {
    begin({ grant }, { headers, body, secrets }) {
      sends += 1
      const id = `${sends}`
      if (secrets.length > 0) swaps.set(id, swapOf(secrets, body))
      return {
        dispatcher: agentOf(grant),
        headers: secrets.length > 0 ? { ...headers, [swapHeader]: id } : headers,
        end: () => void swaps.delete(id),
      }
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()))
    },
  }
}
