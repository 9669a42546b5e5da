import type { GuestBoot, GuestPort } from '@vigil/isolate/guest'
import type { CoreMessage, GuestMessage } from '@vigil/protocol'
import type { AgentContext, AgentEvent } from '../context.ts'

const nobody: GuestBoot = { process: 'rehearsal', epoch: 0, module: { hash: '', code: '' }, env: {} }

/**
 * One turn of nobody, in a thread that stands ready: what node loads and V8 compiles at the first turn is there before
 * somebody waits for it. Nothing of it leaves the thread.
 */
export function rehearse(guest: (load: () => unknown) => (boot: GuestBoot, port: GuestPort) => void): void {
  let say: (message: CoreMessage) => void = () => undefined
  const run = async (_event: AgentEvent, ctx: AgentContext): Promise<string> => {
    ctx.log.debug('rehearsal')
    ctx.state.set('moment', ctx.now())
    return await ctx.step('lines', () => `${ctx.random()}`)
  }
  const port: GuestPort = {
    post(text) {
      const message = JSON.parse(text) as GuestMessage
      if (message.t === 'call') say({ t: 'reply', id: message.id, at: moment, ok: true, value: null })
    },
    listen(hear) {
      say = (message) => hear(JSON.stringify(message))
    },
    lent: () => undefined,
    giveBack: () => undefined,
    asked: () => undefined,
    close: () => undefined,
  }
  guest(() => run)(nobody, port)
  say({
    t: 'turn',
    turn: 't-rehearsal',
    attempt: 1,
    epoch: 0,
    event: { event_id: 'rehearsal', trigger_id: '', type: 'manual', timestamp: moment, payload: null, metadata: {} },
    started_at: moment,
    seed: 'rehearsal',
    state: { full: true, set: {}, delete: [] },
    recorded: [],
    crashed: false,
  })
}

const moment = new Date(0).toISOString()
