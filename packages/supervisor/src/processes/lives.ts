import { type Bundle, type ExitCause, faultPoint, type ProcessName, type RecordDraft } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { Credits } from '../gate/credits.ts'
import type { Gate } from '../gate/gate.ts'
import type { RuntimePorts } from '../runtime/ports.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { Branch, Supervised } from '../supervision/branch.ts'
import type { SupervisorEvents } from '../surface.ts'
import { beginLife, type Incarnation, type IncarnationListener } from './incarnation.ts'

/**
 * The lives of one process, one after the other, never two: begins each with the right code when its branch says so, ends
 * it by the ladder, and puts its end on record.
 */
export interface Lives extends Supervised {
  readonly current: Incarnation | undefined
  /** The present life is being ended on purpose. */
  readonly ending: boolean
}

export interface LivesParts {
  readonly ports: RuntimePorts
  readonly log: RecordLog
  readonly gate: Gate
  readonly credits: Credits
  readonly fold: ProcessFold
  readonly bundle: (hash: string) => Promise<Bundle>
  readonly env: (names: readonly string[]) => Readonly<Record<string, string>>
  readonly logLine: SupervisorEvents['log']
  readonly branch: Pick<Branch, 'started' | 'ignored' | 'exited'>
  /** Whether it may live at all: meant to run, not parked, and ring 0 stays. */
  readonly wanted: () => boolean
  readonly turns: Pick<IncarnationListener, 'completed' | 'threw'> & { pump(): void }
  /** A life ended by itself: what that means beside what supervision makes of it, as records. */
  readonly judge: (cause: ExitCause, life: Incarnation) => readonly RecordDraft[]
  readonly cannotBegin: (reason: string) => void
  readonly changed: () => void
}

/** From `stop` of the guest to SIGKILL; the drain before it has its own time, shutdown_timeout. */
const askMs = 1_000

export function livesOf(parts: LivesParts): Lives {
  const { ports, log, fold, branch } = parts
  const { clock } = ports
  /** What the branch calls the present life, from the moment that it is asked for. */
  let ref: number | undefined
  let life: Incarnation | undefined
  let ending = false
  let drainCheck: (() => void) | undefined
  let drained: (() => void) | undefined

  const decline = (mine: number): void => {
    ref = undefined
    branch.ignored(mine)
  }

  const begin = (mine: number): void => {
    if (!parts.wanted()) return branch.ignored(mine)
    ref = mine
    // An open turn goes on with the code that it began with; new turns wait for the next life.
    const [oldest] = fold.turns.values()
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
  }

  const give = (mine: number, module: Bundle): void => {
    log.commit(
      [
        {
          process: fold.name as ProcessName,
          epoch: fold.epoch + 1,
          type: 'incarnation.started',
          data: { bundle: module.hash },
        },
      ],
      'lazy',
    )
    faultPoint('incarnation.before_launch')
    const { guestRuntime, cells } = ports
    const env = parts.env(fold.manifest.context.env)
    life = beginLife(
      { process: fold, module, guestRuntime, env, cells, clock, gate: parts.gate, credits: parts.credits },
      {
        ready: () => {
          branch.started(mine)
          parts.turns.pump()
          parts.changed()
        },
        completed: parts.turns.completed,
        threw: parts.turns.threw,
        moved: () => drainCheck?.(),
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

  /** A life is over, its cell is gone: put it on record, then hear what supervision decides. */
  const buried = (cause: ExitCause): void => {
    const last = life
    const mine = ref
    if (last === undefined || mine === undefined) return
    faultPoint('incarnation.after_exit')
    const byItself = !ending && parts.wanted()
    const charged = !ending && isOwnFault(cause)
    drained?.()
    life = undefined
    ref = undefined
    ending = false
    const turns = [...fold.turns.values()]
      .filter((turn) => last.running.has(turn.turn) || (turn.retry === undefined && !turn.cut))
      .map((turn) => turn.turn)
    const author = { process: fold.name as ProcessName, epoch: fold.epoch }
    branch.exited(mine, cause, (restartInMs) => {
      const verdict = byItself ? parts.judge(cause, last) : []
      const next = restartInMs === undefined || !byItself || verdict.length > 0 ? {} : { restart_in_ms: restartInMs }
      log.commit([{ ...author, type: 'incarnation.exited', data: { cause, turns, charged, ...next } }, ...verdict])
    })
    parts.changed()
  }

  /** Holds calls, waits for a step boundary up to shutdown_timeout, then climbs the stop ladder. */
  const drain = (draining: Incarnation): void => {
    ending = true
    draining.hold()
    const cut = (): void => {
      drained?.()
      draining.stop(askMs)
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

  return {
    get current() {
      return life
    },
    get ending() {
      return ending
    },
    begin,
    end(mine, how) {
      if (ref !== mine) return
      if (life === undefined) return decline(mine)
      if (how === 'kill') life.kill({ kind: 'signal', signal: 'SIGKILL', hint: 'it did not end when it was asked to' })
      else if (!ending) drain(life)
    },
  }
}

/** Charged against the event: not what others did to the cell. */
function isOwnFault(cause: ExitCause): boolean {
  return ['error', 'exit_code', 'memory', 'heartbeat_lost', 'cell_forged', 'wedged', 'start_timeout'].includes(
    cause.kind,
  )
}
