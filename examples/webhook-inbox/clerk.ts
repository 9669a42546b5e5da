import type { AgentContext, AgentEvent } from '@vigil/agent'
import { type Delivery, noted } from './issues.ts'

/** Keeps how many issues are open in each repository, and tells the others what changed. */
export default async function run(event: AgentEvent<Delivery>, ctx: AgentContext): Promise<number> {
  const note = noted(event.payload)
  const key = `open:${note.repository}`
  ctx.state.add(key, note.change)
  await ctx.publish('issues.changed', { ...note, open: ctx.state.get(key, 0) })
  return ctx.state.get(key, 0)
}
