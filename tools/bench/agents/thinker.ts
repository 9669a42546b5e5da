import type { AgentContext, AgentEvent } from '@vigil/agent'

/** Thinks so many times, one thought after the other, and answers with the times that it took, in milliseconds. */
export default async function run(event: AgentEvent, ctx: AgentContext): Promise<number[]> {
  const times: number[] = []
  for (let left = event.payload as number; left > 0; left -= 1) {
    const began = performance.now()
    await ctx.think('Go on.')
    times.push(performance.now() - began)
  }
  return times
}
