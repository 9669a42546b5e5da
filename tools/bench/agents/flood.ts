import type { AgentContext, AgentEvent } from '@vigil/agent'

/** A turn may have 10,000 effects: a flood goes on in the next. */
const roundsOfTurn = 150
const asked = 64

/** Says and asks as much as it can, for so many milliseconds or until its turn is full. */
export default async function run(event: AgentEvent, ctx: AgentContext): Promise<void> {
  const { ms } = event.payload as { ms: number }
  const end = performance.now() + ms
  for (let round = 0; round < roundsOfTurn && performance.now() < end; round += 1) {
    for (let k = 0; k < 500; k += 1) ctx.log.info('flood', { k })
    await Promise.all(Array.from({ length: asked }, () => ctx.state.history('nothing')))
  }
}
