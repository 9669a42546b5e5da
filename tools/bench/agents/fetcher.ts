import type { AgentContext, AgentEvent } from '@vigil/agent'

interface Order {
  readonly urls: readonly string[]
  /** All at once, or one after the other. */
  readonly together: boolean
  /** Sent in a header. */
  readonly secret?: string
}

/** Fetches each and answers with the times that it took, in milliseconds. */
export default async function run(event: AgentEvent, ctx: AgentContext): Promise<number[]> {
  const { urls, together, secret } = event.payload as Order
  const init = secret === undefined ? {} : { headers: { authorization: ctx.bearer(ctx.secret(secret)) } }
  const timed = async (url: string): Promise<number> => {
    const began = performance.now()
    await (await ctx.fetch(url, init)).text()
    return performance.now() - began
  }
  if (together) return await Promise.all(urls.map(timed))
  const times: number[] = []
  for (const url of urls) times.push(await timed(url))
  return times
}
