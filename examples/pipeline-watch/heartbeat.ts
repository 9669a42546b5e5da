import type { AgentContext, AgentEvent } from '@vigil/agent'
import { heard, ticked, type Watch } from './silence.ts'

/**
 * Raises the alarm when the stream of data stops. Data and clock ticks arrive in one mailbox and are handled one at a
 * time, so no lock is needed between "data came" and "has data come?".
 */
export default async function run(event: AgentEvent, ctx: AgentContext): Promise<unknown> {
  const now = ctx.now()
  if (event.type === 'event') {
    ctx.state.set('watch', heard(now))
    return { silent_ms: 0 }
  }
  const { watch, alarm } = ticked(ctx.state.get<Watch>('watch'), now)
  ctx.state.set('watch', watch)
  if (alarm) {
    const since = new Date(watch.lastData).toISOString()
    await ctx.publish('pipeline.silent', { since })
    ctx.log.warn(`no data since ${since}`)
  }
  return { silent_ms: now - watch.lastData }
}
