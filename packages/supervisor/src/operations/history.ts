import { processNamePattern, VigilError } from '@vigil/protocol'
import { triggersOf } from '../fold/trigger-layers.ts'
import type { Moment, Rewinding, TurnReplay } from '../history-surface.ts'
import type { Member } from '../runtime/member.ts'
import type { RuntimePorts } from '../runtime/ports.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { conversationAt } from './conversation-at.ts'
import { replayTurn } from './replay.ts'
import { placeOf, rewind, statePast } from './rewind.ts'
import { endedTurn } from './turn-record.ts'

/** What people do with the past of a process: bring its state back, begin another life from it, look at a turn again. */
export interface History {
  rewind(member: Member, to: Moment, dryRun: boolean): Promise<Rewinding>
  /** Resolves when the new process is on record. */
  fork(member: Member, name: string, at: Moment | undefined): Promise<void>
  replay(member: Member, turn: string): Promise<TurnReplay>
}

export function historyOf(
  runtime: Runtime,
  ports: Pick<RuntimePorts, 'cells' | 'clock' | 'guestRuntime'>,
  by: string,
): History {
  const { log } = runtime
  return {
    async rewind({ process }, to, dryRun) {
      const done = await rewind(log, process.fold, { to, dryRun, by })
      if (done.applied) process.life?.stateChanged(done.changes.map(({ key }) => key))
      return done
    },
    async fork({ process: { fold } }, name, at) {
      if (!processNamePattern.test(name)) {
        const expected = 'a name: a letter, then up to 63 letters, digits, _ or -'
        throw new VigilError('INVALID_ARGUMENT', `expected ${expected}, found ${JSON.stringify(name.slice(0, 100))}`)
      }
      await log.settled()
      const n = at === undefined ? undefined : await placeOf(log.journal, fold, at)
      const state = n === undefined ? fold.state : await statePast(log.journal, fold, n)
      const conversation = n === undefined ? fold.conversation : await conversationAt(log.journal, fold.name, n)
      if (runtime.members.has(name)) throw new VigilError('ALREADY_EXISTS', `there is a process "${name}" already`)
      const context = { ...fold.manifest.context, initialState: Object.fromEntries(state) }
      // What operators laid over the triggers becomes its own.
      const manifest = { ...fold.manifest, name, context, triggers: [...triggersOf(fold)] }
      await runtime.deploy({
        manifest,
        baseDirectory: '/',
        by: 'operator',
        start: false,
        bundle: fold.bundle,
        parent: fold.name,
        ...(conversation.last === 0 ? {} : { conversation }),
      })
    },
    async replay({ process: { fold } }, id) {
      await log.settled()
      const ended = await endedTurn(log.journal, ['@runtime', ...runtime.members.keys()], fold, id)
      const state = await statePast(log.journal, fold, ended.startedAt - 1)
      const module = await runtime.bundle(fold.bundle)
      const env = runtime.env(fold.manifest.context.env)
      return await replayTurn({ ...ports, module, env, state }, fold, ended)
    },
  }
}
