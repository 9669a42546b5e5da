import type { AgentContext, AgentEvent } from '@vigil/agent'

/** Says and asks as much as it can, for so many milliseconds. */
export default async function run(event: AgentEvent, ctx: AgentContext): Promise<number> {
  const { ms } = event.payload as { ms: number }
  const end = performance.now() + ms
  let said = 0
  while (performance.now() < end) {
    for (let k = 0; k < 500; k += 1) ctx.log.info('flood', { k })
    await Promise.all(Array.from({ length: 64 }, () => ctx.state.history('nothing')))
    said += 564
  }
  return said
}
