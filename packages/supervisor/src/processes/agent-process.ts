import type { ExitCause, ProcessName, RecordDraft } from '@vigil/protocol'
import { isAwaiting } from '../delivery/admission.ts'
import { type ProcessFold, turnOf } from '../fold/process-fold.ts'
import { restTimer } from '../residency/rest-timer.ts'
import type { Branch } from '../supervision/branch.ts'
import { afterExit, newHistory } from '../supervision/exit-rules.ts'
import type { ProcessState, Residency } from '../surface.ts'
import type { Incarnation } from './incarnation-surface.ts'
import { type Lives, type LivesParts, livesOf, type WhyRest } from './lives.ts'
import { turnRunner } from './turn-runner.ts'

/**
 * One process, as people and supervision deal with it. States: stopped -> (start) starting -> running -> (crash)
 * restarting -> starting ...; suspended holds a life that is given nothing; stopping drains; failed is parked until somebody
 * starts it. What is meant is put on record, and the branch that it stands in makes it so.
 */
export interface AgentProcess {
  readonly fold: ProcessFold
  readonly state: ProcessState
  readonly life: Incarnation | undefined
  readonly residency: Residency
  start(by: string): Promise<void>
  stop(by: string): Promise<void>
  restart(by: string): Promise<void>
  suspend(by: string): Promise<void>
  resume(by: string): Promise<void>
  /** Ends a turn, or an event whose turn has not begun; false when it has ended already. */
  cancel(eventId: string, end: { readonly by: string; readonly reason: string }): boolean
  /** The same, and the life that works on it does not get to its end; nobody is charged for that. */
  terminate(eventId: string, end: { readonly by: string; readonly reason: string }): Promise<void>
  /** Something was accepted, deployed or patched: look for work. */
  pump(arrived?: string): void
  /** A record of this turn is durable: what it waits for may have come. */
  heard(turn: string): void
  /** Gives the thread of its present life back, whatever it does. */
  rest(why: WhyRest): void
  /** For its branch. */
  begin(ref: number): void
  end(ref: number, how: 'ask' | 'kill'): void
  /** Its supervisor gave up on it. */
  park(reason: string): void
  /** The same, and it was in order that way. */
  finish(): void
  /** The supervisor ends: no life begins any more, whatever is meant. */
  close(): void
}

export interface AgentProcessParts
  extends Omit<LivesParts, 'branch' | 'wanted' | 'closed' | 'turns' | 'moved' | 'judge' | 'cannotBegin' | 'changed'> {
  readonly branch: Branch
  /** A secret of it is not there in the version that is on record. */
  readonly holds: () => boolean
  /** Resolves when it is known which tools its model can be offered; nothing when it is, or there is none. */
  readonly tools: () => Promise<void> | undefined
  /** State changed: triggers arm or disarm. */
  readonly changed: () => void
}

export function agentProcess(parts: AgentProcessParts): AgentProcess {
  const { ports, log, fold, branch, path } = parts
  let history = newHistory
  let closed = false

  const author = () => ({ process: fold.name as ProcessName, epoch: fold.epoch })
  const wanted = (): boolean => !closed && fold.desired === 'running' && fold.parked === undefined
  const present = (): Incarnation | undefined =>
    lives.current?.ready === true && !lives.ending && wanted() ? lives.current : undefined

  const turns = turnRunner({
    log,
    clock: ports.clock,
    random: ports.random,
    ...{ process: fold, life: present, holds: parts.holds, tools: parts.tools },
    giveUp: (turn, reason) => lives.current?.cancel(turn, reason),
    failed: () => lives.current?.kill({ kind: 'failures', count: fold.failures }),
    outdated: () => void recycle(),
    left: () => fold.manifest.hibernateAfterMs > 0 && lives.rest('waiting'),
    wake: () => lives.wake(),
    settled: (isIdle) => (isIdle && lives.isMisplaced ? void recycle() : rests.settled(isIdle)),
  })

  const rests = restTimer({ clock: ports.clock, manifest: () => fold.manifest, lives: () => lives })

  const parked = (reason: string, cause?: ExitCause): RecordDraft => {
    parts.logLine({ process: fold.name, level: 'error', message: `parked as failed: ${reason}`, fields: { cause } })
    return { ...author(), type: 'process.parked', data: { reason, ...(cause === undefined ? {} : { cause }) } }
  }

  const park = (reason: string, cause?: ExitCause): void => {
    if (!wanted()) return
    log.commit([parked(reason, cause)])
    parts.changed()
  }

  const lives = livesOf({
    ...parts,
    wanted,
    closed: () => closed,
    turns,
    moved: rests.moved,
    judge(cause, { progressed }) {
      const after = afterExit(fold.manifest, history, { cause, progressed })
      history = after.history
      if (after.verdict.is === 'stopped') return [stoppedByPolicy(fold)]
      return after.verdict.is === 'parked' ? [parked(after.verdict.reason, cause)] : []
    },
    cannotBegin: park,
  })

  const desire = (state: 'running' | 'suspended' | 'stopped', by: string) =>
    log.commitDurably([{ ...author(), type: 'process.desired', data: { state, by } }])

  const wake = (): void => {
    lives.current?.release()
    branch.bring(path)
    turns.pump()
    parts.changed()
  }

  const recycle = async (hurry?: (life: Incarnation) => void): Promise<void> => {
    const { current } = lives
    if (current === undefined || lives.ending) return
    const dismissed = branch.dismiss(path)
    // Not before its end is known to be meant: nobody is charged for it then.
    if (lives.ending) hurry?.(current)
    await dismissed
    branch.bring(path)
    parts.changed()
  }

  return {
    fold,
    get state() {
      if (lives.ending && !wanted()) return 'stopping'
      const held = heldState(fold)
      if (held !== undefined) return held
      if (lives.isUp) return isAwaiting(fold) || parts.holds() ? 'awaiting' : 'running'
      return branch.place(path) === 'restarting' ? 'restarting' : 'starting'
    },
    get life() {
      return lives.current
    },
    get residency() {
      return residencyOf(lives)
    },
    async start(by) {
      if (fold.desired !== 'running' || fold.parked !== undefined) {
        history = newHistory
        await desire('running', by)
      }
      wake()
    },
    async stop(by) {
      if (fold.desired !== 'stopped') await desire('stopped', by)
      parts.changed()
      await branch.dismiss(path)
      turns.close()
      await log.settled()
      parts.changed()
    },
    async restart(by) {
      if (fold.desired !== 'running' || fold.parked !== undefined) await desire('running', by)
      history = newHistory
      await branch.dismiss(path)
      branch.bring(path)
      parts.changed()
    },
    async suspend(by) {
      await desire('suspended', by)
      lives.current?.hold()
      parts.changed()
    },
    async resume(by) {
      await desire('running', by)
      wake()
    },
    cancel: turns.cancel,
    async terminate(eventId, end) {
      const { current } = lives
      const isAtWork = current?.running.has(turnOf(eventId)) === true
      turns.cancel(eventId, end)
      if (isAtWork) await recycle((life) => life.kill({ kind: 'signal', signal: 'SIGKILL', hint: end.reason }))
    },
    pump: turns.pump,
    heard: turns.heard,
    rest: lives.rest,
    begin: lives.begin,
    end: lives.end,
    park: (reason) => park(reason, fold.lastExit?.cause),
    finish() {
      if (wanted()) log.commit([stoppedByPolicy(fold)])
      parts.changed()
    },
    close() {
      closed = true
      rests.close()
      turns.close()
    },
  }
}

/** What keeps it from running, as long as it does. */
function heldState({ parked, desired, budgetPause }: ProcessFold): ProcessState | undefined {
  if (parked !== undefined) return 'failed'
  if (desired !== 'running') return desired
  return budgetPause === undefined ? undefined : 'suspended'
}

const stoppedByPolicy = ({ name, epoch }: ProcessFold): RecordDraft => ({
  process: name as ProcessName,
  epoch,
  type: 'process.desired',
  data: { state: 'stopped', by: 'policy' },
})

function residencyOf({ isAsleep, isUp, current }: Lives): Residency {
  if (isAsleep) return 'hibernated'
  if (current?.ready === true) return 'resident'
  return isUp ? 'waking' : 'absent'
}
