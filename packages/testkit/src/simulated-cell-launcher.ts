import type { CellLauncher, Clock, ExitCause, Guest, GuestListener, GuestSpec, Timer } from '@vigil/protocol'

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
  lent(handler: (id: number, bytes: Uint8Array) => void): void
  giveBack(id: number): void
  asked(handler: () => void): void
  close(): void
}

export interface SimulatedCellLauncherOptions {
  readonly clock: Clock
  /** Runs as the guest, a coroutine in this very process. */
  readonly program: (boot: SimulatedBoot, port: SimulatedPort) => void | Promise<void>
  /** Milliseconds from `launch` to a running thread; default none. */
  readonly startMs?: () => number
  /** Guests of one trust group in a cell at most; default 8. */
  readonly cellSize?: number
  /** Milliseconds that a message is on its way; order is kept. Default none. */
  readonly wireMs?: () => number
}

/** The faults that a cell may have, on command. Each names the process whose present guest suffers it. */
export interface SimulatedCells extends CellLauncher {
  /** Processes whose guests live now, with their epochs. */
  readonly living: readonly { readonly process: string; readonly epoch: number }[]
  /** The cell is gone at once, with whatever was on its way and everybody in it. */
  crash(process: string, cause?: ExitCause): void
  /** The guest's loop stops turning: nothing is heard or said any more, until its heartbeat is missed. */
  hang(process: string): void
  /** It grows past its memory limit and is killed for it. */
  leak(process: string): void
  /** From now on each message takes so many milliseconds more. */
  slow(process: string, ms: number): void
  /** Bytes that do not know the token arrive on the wire of its cell. */
  forge(process: string): void
  /** Its death is reported, and what it says afterwards still arrives. */
  zombie(process: string): void
}

const terminateMs = 500
const idleRssBytes = 50_000_000

interface Cell {
  readonly pid: number
  readonly trustGroup: string | undefined
  readonly lives: Set<Life>
}

const hasRoom = ({ trustGroup, lives }: Cell, spec: GuestSpec, size: number): boolean =>
  trustGroup === spec.trustGroup && lives.size < size

/** Whoever was alone in it knows why; of several nobody can be blamed for certain. */
function endCell(cell: Cell | undefined, cause: ExitCause): void {
  const lives = [...(cell?.lives ?? [])]
  const all: ExitCause = { kind: 'cell_lost', hint: `the cell died: ${cause.kind}`, collateral: true }
  for (const life of lives) life.kill(lives.length > 1 ? all : cause)
}

interface Life extends Guest {
  readonly cell: Cell
  readonly spec: GuestSpec
  hang(): void
  slow(ms: number): void
  zombie(): void
}

/**
 * Guests as coroutines: same order, same exits, no process, no thread, and time only as the clock gives it. To be
 * survived: each of the faults on command, at any moment.
 */
export function simulatedCellLauncher(options: SimulatedCellLauncherOptions): SimulatedCells {
  const living = new Set<Life>()
  const cellSize = options.cellSize ?? 8
  let lastPid = 1_000_000
  const present = (process: string): Life | undefined => [...living].findLast((each) => each.spec.process === process)

  const newCell = ({ trustGroup }: GuestSpec): Cell => {
    lastPid += 1
    return { pid: lastPid, trustGroup, lives: new Set() }
  }

  const cellFor = (spec: GuestSpec): Cell => {
    if (spec.trustGroup !== undefined) for (const { cell } of living) if (hasRoom(cell, spec, cellSize)) return cell
    return newCell(spec)
  }

  return {
    get living() {
      return [...living].map(({ spec: { process, epoch } }) => ({ process, epoch }))
    },
    launch(spec, listener) {
      const cell = cellFor(spec)
      const buried = (): void => {
        living.delete(life)
        cell.lives.delete(life)
      }
      const life: Life = Object.assign(beginLife(options, spec, listener, cell.pid, buried), { cell })
      cell.lives.add(life)
      living.add(life)
      return life
    },
    endOrphans() {
      const orphans = [...living]
      for (const life of orphans) life.kill({ kind: 'cell_lost' })
      return Promise.resolve(orphans.length)
    },
    async close() {
      for (const life of living) life.kill({ kind: 'shutdown' })
    },
    crash: (process, cause = { kind: 'signal', signal: 'SIGKILL' }) => endCell(present(process)?.cell, cause),
    hang: (process) => present(process)?.hang(),
    slow: (process, ms) => present(process)?.slow(ms),
    zombie: (process) => present(process)?.zombie(),
    leak(process) {
      const life = present(process)
      life?.kill({ kind: 'memory', used_mb: life.spec.memoryMb + 1, limit_mb: life.spec.memoryMb })
    },
    forge: (process) =>
      endCell(present(process)?.cell, { kind: 'cell_forged', hint: 'a frame without the token of this cell' }),
  }
}

function beginLife(
  { clock, program, startMs = () => 0, wireMs = () => 0 }: SimulatedCellLauncherOptions,
  spec: GuestSpec,
  listener: GuestListener,
  pid: number,
  buried: () => void,
): Omit<Life, 'cell'> {
  let over = false
  let speaksAfterDeath = false
  let hung = false
  let asked = false
  let slowMs = 0
  let hear: (text: string) => void = () => undefined
  let ask: () => void = () => undefined
  let lent: (id: number, bytes: Uint8Array) => void = () => undefined
  const memory = new Map<number, Uint8Array>()
  const takeBack = (id: number): void => {
    memory.get(id)?.fill(0)
    memory.delete(id)
  }
  const timers = new Set<Timer>()
  const after = (ms: number, act: () => void): void => {
    const timer = clock.setTimer(ms, () => {
      timers.delete(timer)
      act()
    })
    timers.add(timer)
  }
  /** Messages arrive one hop later, first in first out, and never at the dead. */
  const wire = (hop: (arrive: () => void) => void) => {
    const underWay: (() => void)[] = []
    const move = (): void => {
      const ms = wireMs() + slowMs
      const arrive = (): void => {
        const act = underWay.shift()
        if (!over || speaksAfterDeath) act?.()
        if (underWay.length > 0) move()
      }
      // The head alone has a timer.
      if (ms > 0) after(ms, () => hop(arrive))
      else hop(arrive)
    }
    return (act: () => void): void => {
      underWay.push(act)
      if (underWay.length === 1) move()
    }
  }
  const up = wire((arrive) => void Promise.resolve().then(arrive))
  // A thread hears each message in a turn of its loop: all promises of the one before have run by then.
  const down = wire((arrive) => after(0, arrive))

  const exit = (cause: ExitCause): void => {
    if (over) return
    over = true
    for (const id of [...memory.keys()]) takeBack(id)
    if (!speaksAfterDeath) {
      for (const timer of timers) timer.cancel()
      timers.clear()
    }
    buried()
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
      if (!hung) up(() => listener.message(text))
    },
    listen(handler) {
      hear = handler
    },
    lent(handler) {
      lent = handler
    },
    giveBack: takeBack,
    asked(handler) {
      ask = handler
    },
    close: () => up(() => exit(asked ? { kind: 'shutdown' } : { kind: 'exit_code', code: 0 })),
  }
  const begin = (): void => {
    if (over) return
    up(() => {
      listener.started({ pid, idleRssBytes })
      const boot = { process: spec.process, epoch: spec.epoch, module: spec.module, env: spec.env }
      guarded(() => void Promise.resolve(program(boot, port)).catch(fail))
    })
    for (const text of early ?? []) send(text)
    early = undefined
  }
  const send = (text: string): void => down(() => guarded(() => hear(text)))
  let early: string[] | undefined = []
  const wait = startMs()
  if (wait > 0) after(wait, begin)
  else begin()

  return {
    spec,
    get vitals() {
      return over ? undefined : { memoryMb: 0, loop: hung ? 1 : 0, busyMs: 0 }
    },
    post(text) {
      if (early !== undefined) early.push(text)
      else send(text)
    },
    lend(id, bytes) {
      if (over) return
      const own = bytes.slice()
      memory.set(id, own)
      down(() => guarded(() => lent(id, own)))
    },
    takeBack,
    stop(graceMs) {
      if (over || asked) return
      asked = true
      down(() => guarded(ask))
      after(graceMs, () => {
        if (!hung) exit({ kind: 'shutdown' })
        else after(terminateMs, () => exit({ kind: 'wedged', stopped_after_ms: graceMs + terminateMs }))
      })
    },
    kill: exit,
    hang() {
      hung = true
      after(spec.heartbeatTimeoutMs, () => exit({ kind: 'heartbeat_lost', silent_ms: spec.heartbeatTimeoutMs }))
    },
    slow(ms) {
      slowMs += ms
    },
    zombie() {
      speaksAfterDeath = true
      exit({ kind: 'signal', signal: 'SIGKILL' })
    },
  }
}
