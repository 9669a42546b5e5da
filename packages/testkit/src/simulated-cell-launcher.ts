import type { CellLauncher, Clock, ExitCause, Guest, GuestListener, GuestSpec } from '@vigil/protocol'

/** What a guest program gets: the shapes of the real guest's boot and port. */
export interface SimulatedBoot {
  readonly process: string
  readonly epoch: number
  readonly module: { readonly hash: string; readonly code: string }
  readonly env: Readonly<Record<string, string>>
}

export interface SimulatedPort {
  post(text: string): void
  listen(handler: (text: string) => void): void
  asked(handler: () => void): void
  close(): void
}

export interface SimulatedCellLauncherOptions {
  readonly clock: Clock
  /** Runs as the guest, a coroutine in this very process. */
  readonly program: (boot: SimulatedBoot, port: SimulatedPort) => void | Promise<void>
}

/** The faults that a cell may have, on command. Each names the process whose present guest suffers it. */
export interface SimulatedCells extends CellLauncher {
  /** The cell is gone at once, with whatever was on its way. */
  crash(process: string, cause?: ExitCause): void
  /** The guest's loop stops turning: nothing is heard or said any more, until its heartbeat is missed. */
  hang(process: string): void
  /** Bytes that do not know the token arrive on its wire. */
  forge(process: string): void
}

const terminateMs = 500
const idleRssBytes = 50_000_000

interface Life extends Guest {
  readonly spec: GuestSpec
  hang(): void
}

/** Guests as coroutines: same order, same exits, no process, no thread, and time only as the clock gives it. */
export function simulatedCellLauncher({ clock, program }: SimulatedCellLauncherOptions): SimulatedCells {
  const living = new Set<Life>()
  let lastPid = 1_000_000
  const present = (process: string): Life => {
    const life = [...living].findLast((each) => each.spec.process === process)
    if (life === undefined) throw new Error(`no guest of "${process}" lives`)
    return life
  }

  const launch = (spec: GuestSpec, listener: GuestListener): Life => {
    lastPid += 1
    const pid = lastPid
    let over = false
    let hung = false
    let asked = false
    let hear: (text: string) => void = () => undefined
    let ask: () => void = () => undefined
    /** The wire: what is on its way arrives in order, one hop later, and never at the dead. */
    const later = (act: () => void): void => queueMicrotask(() => (over ? undefined : act()))

    const exit = (cause: ExitCause): void => {
      if (over) return
      over = true
      living.delete(life)
      // A real exit is told by the event loop, never from inside the call that causes it.
      queueMicrotask(() => listener.exited(cause))
    }
    const fail = (thrown: unknown): void =>
      exit({ kind: 'error', message: thrown instanceof Error ? thrown.message : String(thrown) })
    const guarded = (act: () => void): void => {
      if (hung) return
      try {
        act()
      } catch (thrown) {
        fail(thrown)
      }
    }
    const port: SimulatedPort = {
      post: (text) => {
        if (!hung) later(() => listener.message(text))
      },
      listen(handler) {
        hear = handler
      },
      asked(handler) {
        ask = handler
      },
      close: () => later(() => exit(asked ? { kind: 'shutdown' } : { kind: 'exit_code', code: 0 })),
    }
    const life: Life = {
      spec,
      post: (text) => later(() => guarded(() => hear(text))),
      stop(graceMs) {
        if (over || asked) return
        asked = true
        later(() => guarded(ask))
        clock.setTimer(graceMs, () => {
          if (!hung) exit({ kind: 'shutdown' })
          else clock.setTimer(terminateMs, () => exit({ kind: 'wedged', stopped_after_ms: graceMs + terminateMs }))
        })
      },
      kill: exit,
      hang() {
        hung = true
        clock.setTimer(spec.heartbeatTimeoutMs, () =>
          exit({ kind: 'heartbeat_lost', silent_ms: spec.heartbeatTimeoutMs }),
        )
      },
    }
    living.add(life)
    later(() => {
      listener.started({ pid, idleRssBytes })
      const boot = { process: spec.process, epoch: spec.epoch, module: spec.module, env: spec.env }
      guarded(() => void Promise.resolve(program(boot, port)).catch(fail))
    })
    return life
  }

  return {
    launch,
    endOrphans: () => Promise.resolve(0),
    async close() {
      for (const life of living) life.kill({ kind: 'shutdown' })
    },
    crash: (process, cause = { kind: 'signal', signal: 'SIGKILL' }) => present(process).kill(cause),
    hang: (process) => present(process).hang(),
    forge: (process) => present(process).kill({ kind: 'cell_forged', hint: 'a frame without the token of this cell' }),
  }
}
