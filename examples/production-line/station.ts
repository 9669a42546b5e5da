import type { AgentContext, AgentEvent } from '@vigil/agent'

interface Order {
  readonly do?: 'die' | 'hog'
}

/** Memory of this life: gone with it. What has to stay stands in `ctx.state`. */
let inThisLife = 0

/** One station of the line. It counts its pieces, and can be told to do harm. */
export default function run(event: AgentEvent<Order | null>, ctx: AgentContext): unknown {
  const order = event.payload?.do
  // A moment later, when this turn is on record: the next life does not meet the order again.
  if (order === 'die') setTimeout(() => process.exit(1), 50)
  if (order === 'hog') Buffer.alloc(1_000_000_000, 1)
  inThisLife += 1
  const inAll = ctx.state.get('pieces', 0) + 1
  ctx.state.set('pieces', inAll)
  return { in_this_life: inThisLife, in_all: inAll }
}
