import { isDeepStrictEqual } from 'node:util'
import {
  type Bundle,
  type ExitCause,
  faultPoint,
  isCollateral,
  isNormalExit,
  type ProcessName,
  type RecordDraft,
  stopLadder,
  type ToolDeclaration,
} from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import { waitsForPerson } from '../fold/turn-fold.ts'
import type { Credits } from '../gate/credits.ts'
import type { Gate } from '../gate/gate.ts'
import { quarantineOf } from '../isolation/quarantine.ts'
import { tierOf } from '../isolation/tier.ts'
import { coldAfterMs, coolingTimer } from '../residency/cold.ts'
import { mayBeginAsleep } from '../residency/may-begin-asleep.ts'
import type { Stay, WakeAdmission } from '../residency/wake-admission.ts'
import type { RuntimePorts } from '../runtime/ports.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { Branch, Supervised } from '../supervision/branch.ts'
import type { SupervisorEvents } from '../surface.ts'
import { beginLife } from './incarnation.ts'
import type { Incarnation, IncarnationListener } from './incarnation-surface.ts'
import type { LaneParts } from './life-lanes.ts'
import type { TurnRunner } from './turn-runner.ts'

/**
 * Why a life gave its thread back: it had nothing to do, it waited for ring 0, others needed the room, or the disk takes no
 * record of what it does.
 */
export type WhyRest = 'idle' | 'waiting' | 'room' | 'disk'

/**
 * The lives of one process, one after the other, never two: begins each with the right code when there is room, ends it
 * by the ladder, and puts its end on record. Its supervisor sees one child from `begin` to an end that is meant or is a
 * fault; that a life rested, or went down with the cell of others, changes nothing for it.
 */
export interface Lives extends Supervised {
  readonly current: Incarnation | undefined
  /** The present life is being ended on purpose. */
  readonly ending: boolean
  /** It has come up, and is there or rests. */
  readonly isUp: boolean
  readonly isAsleep: boolean
  /** The present life sits alone and need not any more. */
  readonly isMisplaced: boolean
  /** There is work: ends the rest. */
  wake(): void
  /** Gives the thread of the present life back. */
  rest(why: WhyRest): void
  /** Whether the present life may be made to rest when others need the room. */
  spare(isIdle: boolean): void
}

export interface LivesParts extends LaneParts {
  readonly ports: RuntimePorts
  readonly log: RecordLog
  readonly gate: Gate
  readonly credits: Credits
  readonly fold: ProcessFold
  readonly bundle: (hash: string) => Promise<Bundle>
  readonly env: (names: readonly string[]) => Readonly<Record<string, string>>
  readonly logLine: SupervisorEvents['log']
  readonly admission: WakeAdmission
  readonly branch: Pick<Branch, 'started' | 'ignored' | 'exited' | 'bring' | 'cool'>
  /** Its place there. */
  readonly path: readonly string[]
  /** Whether it may live at all: meant to run, not parked, and ring 0 stays. */
  readonly wanted: () => boolean
  /** Ring 0 ends: what is not there need not be ended. */
  readonly closed: () => boolean
  readonly turns: Pick<IncarnationListener, 'completed' | 'threw' | 'released'> & Pick<TurnRunner, 'pump' | 'suspended'>
  /** A call came or was answered, or a turn ended. */
  readonly moved: () => void
  /** A life ended by itself: what that means beside what supervision makes of it, as records. */
  readonly judge: (cause: ExitCause, life: Incarnation) => readonly RecordDraft[]
  readonly cannotBegin: (reason: string) => void
  readonly changed: () => void
}

export function livesOf(parts: LivesParts): Lives {
  const { ports, log, fold, branch, admission } = parts
  const { clock } = ports
  const quarantine = quarantineOf(fold, clock)
  /** What the branch calls the present child, from the moment that it is asked for; it stays while the process rests. */
  let ref: number | undefined
  let isUp = false
  let isAsleep = false
  let hasBegun = false
  let life: Incarnation | undefined
  let stay: Stay | undefined
  let ending: 'stop' | WhyRest | undefined
  let drainCheck: (() => void) | undefined
  let drained: (() => void) | undefined
  const author = () => ({ process: fold.name as ProcessName, epoch: fold.epoch })

  const leave = (): void => {
    const left = stay
    stay = undefined
    left?.left()
  }

  /** Nobody needs to supervise who sleeps: from then on there is the fold, and the sleep. */
  const cooling = coolingTimer(clock, () => {
    if (branch.cool()) ref = undefined
  })

  const forget = (): void => {
    ref = undefined
    isUp = false
    isAsleep = false
    cooling.cancel()
    leave()
  }

  const decline = (mine: number): void => {
    forget()
    branch.ignored(mine)
  }

  const sleep = (why: WhyRest, turns: readonly string[], ran: readonly RecordDraft[] = []): void => {
    const released = { ...author(), type: 'incarnation.released' as const, data: { why, turns: [...turns] } }
    if (!fold.resting) log.commit([...ran, released])
    isAsleep = true
  }

  const begin = (mine: number): void => {
    if (!isAsleep && !parts.wanted()) return branch.ignored(mine)
    ref = mine
    // Its tree was given up while it slept, and somebody needs one.
    if (isAsleep) return branch.started(mine)
    const isFirst = !hasBegun
    hasBegun = true
    if (!isFirst || !mayBeginAsleep(fold)) return enter(mine)
    sleep('idle', [])
    // A new tree has counted nothing yet.
    cooling.in(0)
    isUp = true
    branch.started(mine)
    parts.changed()
  }

  /** Waits for room, then for its code. */
  const enter = (mine: number): void => {
    const { missing } = tierOf(fold.manifest, ports.machine)
    if (missing.length > 0 && !fold.manifest.degrade) {
      parts.cannotBegin(`this machine cannot give its isolation whole: ${missing.join('; ')}`)
      return decline(mine)
    }
    stay = admission.enter(() => {
      // An open turn goes on with the code that it began with; new turns wait for the next life.
      const oldest = [...fold.turns.values()].find((turn) => !waitsForPerson(turn))
      parts.bundle(oldest?.bundle ?? fold.bundle).then(
        (module) => {
          if (ref !== mine) return
          if (parts.wanted()) give(mine, module)
          else decline(mine)
        },
        (error: unknown) => {
          if (ref !== mine) return
          parts.cannotBegin(`its bundle cannot be read: ${(error as Error).message}`)
          decline(mine)
        },
      )
    })
  }

  const give = (mine: number, module: Bundle): void => {
    const started = { process: fold.name as ProcessName, epoch: fold.epoch + 1 }
    log.commit([{ ...started, type: 'incarnation.started', data: { bundle: module.hash } }], 'lazy')
    faultPoint('incarnation.before_launch')
    const { guestRuntime, cells } = ports
    const { gate, credits, channels, leases } = parts
    const env = parts.env(fold.manifest.context.env)
    const alone = quarantine.applies
    life = beginLife(
      { process: fold, module, guestRuntime, env, alone, cells, clock, gate, credits, channels, leases },
      {
        ready: (tools) => ready(mine, module, tools),
        completed: parts.turns.completed,
        threw: parts.turns.threw,
        parked: parts.turns.pump,
        released: parts.turns.released,
        ran: (turn, ms) => log.commit(ranRecord(fold, turn, ms), 'lazy'),
        moved() {
          drainCheck?.()
          parts.moved()
        },
        log: ({ turn, ...line }) =>
          parts.logLine({
            process: fold.name,
            level: line.level,
            message: line.message,
            fields: line.fields,
            ...(turn === undefined ? {} : { turn }),
          }),
        exited: buried,
      },
    )
    parts.changed()
  }

  const ready = (mine: number, module: Bundle, tools: readonly ToolDeclaration[]): void => {
    stay?.started()
    if (fold.described !== module.hash || !isDeepStrictEqual(fold.tools, tools)) {
      const data = { bundle: module.hash, ...(tools.length === 0 ? {} : { tools: [...tools] }) }
      log.commit([{ ...author(), type: 'agent.described', data }], 'lazy')
    }
    isUp = true
    branch.started(mine)
    parts.turns.pump()
    parts.changed()
  }

  /** A life is over, its cell is gone: put it on record, then hear what supervision decides. */
  const buried = (cause: ExitCause): void => {
    const last = life
    const mine = ref
    if (last === undefined || mine === undefined) return
    faultPoint('incarnation.after_exit')
    const was = ending
    drained?.()
    life = undefined
    ending = undefined
    leave()
    const turns = [...fold.turns.values()]
      .filter((turn) => last.running.has(turn.turn) || (turn.retry === undefined && !turn.cut))
      .map((turn) => turn.turn)
    const ran = [...last.running].flatMap((turn) => ranRecord(fold, turn, last.ranMs(turn)))
    const charged = was !== 'stop' && was !== 'disk' && isOwnFault(cause)
    if (!parts.wanted() || was === 'stop') return gone(mine, last, { cause, turns, ran, byItself: false, charged })
    // Who is stopped in the middle of its work may not end when it is asked to; that is no fault of its own.
    if (was === 'disk' || (was !== undefined && isNormalExit(cause))) {
      sleep(was, turns, ran)
      cooling.in(coldAfterMs(fold.manifest))
    } else if (isCollateral(cause)) goOn(mine, { cause, turns, ran })
    else return gone(mine, last, { cause, turns, ran, byItself: true, charged })
    parts.changed()
    // There may be work by now.
    parts.turns.pump()
  }

  /** Its cell died with others: it lost no more than its thread, and its supervisor need not know. */
  const goOn = (mine: number, { cause, turns, ran }: Cut): void => {
    quarantine.lost()
    log.commit([
      ...ran,
      { ...author(), type: 'incarnation.exited', data: { cause, turns, charged: false, restart_in_ms: 0 } },
    ])
    enter(mine)
  }

  const gone = (
    mine: number,
    last: Incarnation,
    { cause, turns, ran, byItself, charged }: Cut & { readonly byItself: boolean; readonly charged: boolean },
  ): void => {
    forget()
    const { process, epoch } = author()
    branch.exited(mine, cause, (restartInMs) => {
      const verdict = byItself ? parts.judge(cause, last) : []
      const next = restartInMs === undefined || !byItself || verdict.length > 0 ? {} : { restart_in_ms: restartInMs }
      const exited = { process, epoch, type: 'incarnation.exited' as const, data: { cause, turns, charged, ...next } }
      log.commit([...ran, exited, ...verdict])
    })
    parts.changed()
  }

  /** Whoever rests has no life to end; that it is over is put on record all the same, for those who watch it. */
  const endSleep = (mine: number): void => {
    const cause = { kind: 'shutdown' } as const
    if (!parts.closed())
      log.commit([{ ...author(), type: 'incarnation.exited', data: { cause, turns: [], charged: false } }])
    decline(mine)
    parts.changed()
  }

  /** Holds calls, waits for a step boundary up to shutdown_timeout, then climbs the stop ladder. */
  const drain = (draining: Incarnation): void => {
    ending = 'stop'
    draining.hold()
    const cut = (): void => {
      drained?.()
      draining.stop(stopLadder.askMs)
    }
    const timer = clock.setTimer(fold.manifest.shutdownTimeoutMs, cut)
    drained = () => {
      timer.cancel()
      drainCheck = undefined
      drained = undefined
    }
    drainCheck = () => {
      if (draining.atBoundary()) cut()
    }
    drainCheck()
  }

  const rest = (why: WhyRest): void => {
    if (life?.ready !== true || ending !== undefined || !parts.wanted()) return
    ending = why
    // The others wait for an answer, and this one for room.
    if (why !== 'disk') parts.turns.suspended(life.running)
    life.hold()
    life.stop(stopLadder.askMs)
  }

  return {
    get current() {
      return life
    },
    get ending() {
      return ending !== undefined
    },
    get isUp() {
      return isUp
    },
    get isAsleep() {
      return isAsleep
    },
    get isMisplaced() {
      return life?.isQuarantined === true && !quarantine.applies
    },
    begin,
    end(mine, how) {
      if (ref !== mine) return
      if (isAsleep) return endSleep(mine)
      if (life === undefined) return decline(mine)
      if (how === 'kill') life.kill({ kind: 'signal', signal: 'SIGKILL', hint: 'it did not end when it was asked to' })
      else if (ending === undefined) drain(life)
      else ending = 'stop'
    },
    wake() {
      if (!isAsleep || !parts.wanted()) return
      // A new tree asks for its child, and so gives it a ref, before this returns.
      if (ref === undefined) branch.bring(parts.path)
      if (ref === undefined) return
      isAsleep = false
      cooling.cancel()
      enter(ref)
      parts.changed()
    },
    rest,
    spare(isIdle) {
      if (isIdle) stay?.idle(() => rest('room'))
      else stay?.busy()
    },
  }
}

/** What the end of a life leaves of its turns. */
interface Cut {
  readonly cause: ExitCause
  readonly turns: string[]
  readonly ran: readonly RecordDraft[]
}

function ranRecord({ name, epoch, turns }: ProcessFold, turn: string, exactMs: number): RecordDraft[] {
  const open = turns.get(turn)
  const ms = Math.round(exactMs)
  if (open === undefined || open.ranMs === ms) return []
  return [{ process: name as ProcessName, epoch, type: 'turn.ran', turn, data: { attempt: open.attempt, ms } }]
}

/** Charged against the event: not what others did to the cell. */
function isOwnFault(cause: ExitCause): boolean {
  return ['error', 'exit_code', 'memory', 'heartbeat_lost', 'cell_forged', 'wedged', 'start_timeout'].includes(
    cause.kind,
  )
}
