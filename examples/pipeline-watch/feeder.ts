import type { AgentContext, AgentEvent } from '@vigil/agent'

const mostBytes = 1_000_000

/**
 * Stands for the system that produces data: each tick drops the next dataset, by name, into the inbox.
 *
 * The list of dropped names commits together with the turn. A crash between the write and the commit resumes this
 * turn, and its recorded write answers, so no name is dropped by two turns.
 */
export default async function run(_event: AgentEvent, ctx: AgentContext): Promise<unknown> {
  const dropped = new Set(ctx.state.get<string[]>('dropped', []))
  const left = (await ctx.files.list('datasets'))
    .filter(({ name, size }) => name.endsWith('.csv') && size < mostBytes && !dropped.has(name))
    .map(({ name }) => name)
    .sort()
  const [next] = left
  if (next === undefined) return { dropped: null, left: 0 }

  const bytes = await ctx.files.read(`datasets/${next}`, { encoding: 'bytes' })
  await ctx.files.write(`inbox/${next}`, bytes)
  ctx.state.append('dropped', next)
  ctx.log.info(`dropped ${next}`, { bytes: bytes.length, left: left.length - 1 })
  return { dropped: next, left: left.length - 1 }
}
