import {
  type Bundle,
  type ExitCause,
  faultPoint,
  type ProcessName,
  type RecordDraft,
  type Timer,
} from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { Credits } from '../gate/credits.ts'
import type { Gate } from '../gate/gate.ts'
import type { RuntimePorts } from '../runtime/ports.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import { decideRestart, newHistory, type RestartHistory } from '../supervision/restart-decision.ts'
import type { ProcessState, SupervisorEvents } from '../surface.ts'
import { beginLife, type Incarnation } from './incarnation.ts'
import { turnRunner } from './turn-runner.ts'

/**
 * Does what supervision decides for one process: gives it lives one after the other, never two, and stops them by
 * the ladder. States: stopped -> (start) starting -> running -> (crash) restarting -> starting ...; suspended holds a life
 * that is given nothing; stopping drains; failed is parked until somebody starts it.
 */
export interface AgentProcess {
  readonly fold: ProcessFold
  readonly state: ProcessState
  readonly life: Incarnation | undefined
  /** Called after recovery and deploy: lives if the fold says that it should. */
  revive(): void
  start(by: string): Promise<void>
  stop(by: string): Promise<void>
  restart(by: string): Promise<void>
  suspend(by: string): Promise<void>
  resume(by: string): Promise<void>
  /** Something was accepted, deployed or patched: look for work. */
  pump(): void
  /** Ends the life in order without changing what is desired: for the end of the supervisor. */
  drain(): Promise<void>
}

export interface AgentProcessParts {
  readonly ports: RuntimePorts
  readonly log: RecordLog
  readonly gate: Gate
  readonly credits: Credits
  readonly fold: ProcessFold
  readonly bundle: (hash: string) => Promise<Bundle>
  readonly env: (names: readonly string[]) => Readonly<Record<string, string>>
  readonly logLine: SupervisorEvents['log']
  /** State changed: triggers arm or disarm. */
  readonly changed: () => void
}

/** From `stop` of the guest to SIGKILL; the drain before it has its own time, shutdown_timeout. */
const askMs = 1_000

export function agentProcess(parts: AgentProcessParts): AgentProcess {
  const { ports, log, fold } = parts
  const { clock } = ports
  let life: Incarnation | undefined
  let launching = false
  let backoffTimer: Timer | undefined
  let history: RestartHistory = newHistory
  /** Why the present life is being ended on purpose; undefined while it may live. */
  let ending: 'stop' | 'recycle' | undefined
  /** The supervisor ends: no life begins any more, whatever is desired. */
  let closed = false
  let drainCheck: (() => void) | undefined
  let afterExit: (() => void)[] = []

  const author = () => ({ process: fold.name as ProcessName, epoch: fold.epoch })
  const wanted = (): boolean => !closed && fold.desired === 'running' && fold.parked === undefined

  const state = (): ProcessState => {
    if (ending === 'stop') return 'stopping'
    if (fold.parked !== undefined) return 'failed'
    if (fold.desired === 'stopped') return 'stopped'
    if (fold.desired === 'suspended') return 'suspended'
    if (backoffTimer !== undefined) return 'restarting'
    return life?.ready === true ? 'running' : 'starting'
  }

  const turns = turnRunner({
    log,
    clock,
    random: ports.random,
    process: fold,
    life: () => (life?.ready === true && ending === undefined && wanted() ? life : undefined),
    failed: () => life?.kill({ kind: 'failures', count: fold.failures }),
    outdated: () => recycle(),
  })

  const launch = (): void => {
    if (life !== undefined || launching || !wanted()) return
    launching = true
    // An open turn goes on with the code that it began with; new turns wait for the next life.
    const [oldest] = fold.turns.values()
    parts
      .bundle(oldest?.bundle ?? fold.bundle)
      .then(give, (error: unknown) => park(`its bundle cannot be read: ${(error as Error).message}`))
      .finally(() => {
        launching = false
      })
  }

  const give = (module: Bundle): void => {
    if (life !== undefined || !wanted()) return
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
    life = beginLife(
      {
        process: fold,
        module,
        guestRuntime: ports.guestRuntime,
        env: parts.env(fold.manifest.context.env),
        cells: ports.cells,
        clock,
        gate: parts.gate,
        credits: parts.credits,
      },
      {
        ready: () => {
          turns.pump()
          parts.changed()
        },
        completed: turns.completed,
        threw: turns.threw,
        moved: () => drainCheck?.(),
        log: (line) =>
          parts.logLine({
            process: fold.name,
            level: line.level,
            message: line.message,
            fields: line.fields,
            ...(line.turn === undefined ? {} : { turn: line.turn }),
          }),
        exited: buried,
      },
    )
    parts.changed()
  }

  /** A life is over, its cell is gone: put it on record, then do what policy decides. */
  const buried = (cause: ExitCause): void => {
    const last = life
    if (last === undefined) return
    faultPoint('incarnation.after_exit')
    const purpose = ending
    life = undefined
    ending = undefined
    drainCheck = undefined
    const open = [...fold.turns.values()]
      .filter((turn) => last.running.has(turn.turn) || (turn.retry === undefined && !turn.cut))
      .map((turn) => turn.turn)
    const exited = (restartInMs?: number): RecordDraft => ({
      ...author(),
      type: 'incarnation.exited',
      data: {
        cause,
        turns: open,
        charged: purpose === undefined && isOwnFault(cause),
        ...(restartInMs === undefined ? {} : { restart_in_ms: restartInMs }),
      },
    })
    if (purpose !== undefined || !wanted()) {
      log.commit([exited()])
      if (purpose === 'recycle') launch()
    } else {
      const end = { cause, aliveMs: clock.monotonic() - last.startedAtMs, progressed: last.progressed }
      const decision = decideRestart(fold.manifest, history, end, ports.random.next())
      history = decision.history
      if (decision.action === 'restart') {
        log.commit([exited(decision.delayMs)])
        backoffTimer = clock.setTimer(decision.delayMs, () => {
          backoffTimer = undefined
          launch()
        })
      } else if (decision.action === 'stop') {
        log.commit([exited(), { ...author(), type: 'process.desired', data: { state: 'stopped', by: 'policy' } }])
      } else {
        log.commit([exited()])
        park(decision.reason, cause)
      }
    }
    const waiting = afterExit
    afterExit = []
    for (const resolve of waiting) resolve()
    parts.changed()
  }

  const park = (reason: string, cause?: ExitCause): void => {
    log.commit([{ ...author(), type: 'process.parked', data: { reason, ...(cause === undefined ? {} : { cause }) } }])
    parts.logLine({ process: fold.name, level: 'error', message: `parked as failed: ${reason}`, fields: { cause } })
    parts.changed()
  }

  const cancelBackoff = (): void => {
    backoffTimer?.cancel()
    backoffTimer = undefined
  }

  /** Somebody wants it to live now: a backoff that still ran would call a living process restarting. */
  const wake = (): void => {
    cancelBackoff()
    life?.release()
    launch()
    turns.pump()
    parts.changed()
  }

  const recycle = (): void => {
    if (life === undefined || ending !== undefined) return
    ending = 'recycle'
    life.stop(askMs)
  }

  /** Holds calls, waits for a step boundary up to shutdown_timeout, then climbs the stop ladder. */
  const drain = (purpose: 'stop' | 'recycle'): Promise<void> => {
    cancelBackoff()
    const draining = life
    if (draining === undefined) return Promise.resolve()
    const gone = new Promise<void>((resolve) => afterExit.push(resolve))
    if (ending === undefined) {
      ending = purpose
      draining.hold()
      const cut = (): void => {
        timer.cancel()
        drainCheck = undefined
        draining.stop(askMs)
      }
      const timer = clock.setTimer(fold.manifest.shutdownTimeoutMs, cut)
      drainCheck = () => {
        if (draining.atBoundary()) cut()
      }
      drainCheck()
      afterExit.push(() => timer.cancel())
    }
    return gone
  }

  const desire = (state: 'running' | 'suspended' | 'stopped', by: string) =>
    log.commitDurably([{ ...author(), type: 'process.desired', data: { state, by } }])

  return {
    fold,
    get state() {
      return state()
    },
    get life() {
      return life
    },
    revive: launch,
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
      await drain('stop')
      turns.close()
      await log.settled()
      parts.changed()
    },
    async restart(by) {
      if (fold.desired !== 'running' || fold.parked !== undefined) await desire('running', by)
      history = newHistory
      await drain('recycle')
      launch()
      parts.changed()
    },
    async suspend(by) {
      await desire('suspended', by)
      cancelBackoff()
      life?.hold()
      parts.changed()
    },
    async resume(by) {
      await desire('running', by)
      wake()
    },
    pump: turns.pump,
    async drain() {
      closed = true
      await drain('stop')
      turns.close()
    },
  }
}

/** Charged against the event: not what others did to the cell. */
function isOwnFault(cause: ExitCause): boolean {
  return ['error', 'exit_code', 'memory', 'heartbeat_lost', 'cell_forged', 'wedged', 'start_timeout'].includes(
    cause.kind,
  )
}
