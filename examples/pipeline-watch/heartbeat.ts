import type { AgentContext, AgentEvent } from '@vigil/agent'

const silenceMs = 60_000

/**
 * Raises the alarm when the stream of data stops. Data and clock ticks arrive in one mailbox and are handled one at a
 * time, so no lock is needed between "data came" and "has data come?".
 */
export default async function run(event: AgentEvent, ctx: AgentContext): Promise<unknown> {
  const now = ctx.now()
  const last = ctx.state.get<number>('last_data')
  // The first tick of all starts the watch: a pipeline that never delivers anything is silent, too.
  if (event.type === 'event' || last === undefined) {
    ctx.state.set('last_data', now)
    ctx.state.delete('told')
    return { silent_ms: 0 }
  }
  if (now - last >= silenceMs && ctx.state.get('told') === undefined) {
    const since = new Date(last).toISOString()
    await ctx.publish('pipeline.silent', { since })
    ctx.state.set('told', since)
    ctx.log.warn(`no data since ${since}`)
  }
  return { silent_ms: now - last }
}
