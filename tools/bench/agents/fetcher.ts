import type { AgentContext, AgentEvent } from '@vigil/agent'

interface Order {
  readonly urls: readonly string[]
  /** All at once, or one after the other. */
  readonly together: boolean
}

/** Fetches each and answers with the times that it took, in milliseconds. */
export default async function run(event: AgentEvent, ctx: AgentContext): Promise<number[]> {
  const { urls, together } = event.payload as Order
  const timed = async (url: string): Promise<number> => {
    const began = performance.now()
    await (await ctx.fetch(url)).text()
    return performance.now() - began
  }
  if (together) return await Promise.all(urls.map(timed))
  const times: number[] = []
  for (const url of urls) times.push(await timed(url))
  return times
}
