import type { AgentContext, AgentEvent } from '@vigil/agent'
import { digestOf, type Note } from './issues.ts'

interface Batch {
  readonly events: readonly { readonly payload: { readonly data: Note & { readonly open: number } } }[]
}

/** Writes one page for many events: the newest count of each repository, and what happened last. */
export default async function run(event: AgentEvent<Batch>, ctx: AgentContext): Promise<number> {
  const notes = event.payload.events.map(({ payload }) => payload.data)
  for (const { repository, open } of notes) ctx.state.set(repository, open)
  const counts = ctx.state.keys().map((repository) => [repository, ctx.state.get(repository, 0)] as const)
  await ctx.files.write('reports/issues.md', digestOf(counts, notes))
  return notes.length
}
