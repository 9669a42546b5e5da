import type { AgentContext, AgentEvent } from '@vigil/agent'

/** Makes `calls` effects of the class `act`, one open at a time. */
export default async function run(event: AgentEvent, ctx: AgentContext): Promise<number> {
  const { calls } = event.payload as { calls: number }
  for (let k = 0; k < calls; k += 1) await ctx.fetch(`http://bench.invalid/${k}`)
  return calls
}
