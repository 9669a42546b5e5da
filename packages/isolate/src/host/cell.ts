import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import {
  type Bundle,
  type Clock,
  type ExitCause,
  type Guest,
  type GuestListener,
  type GuestSpec,
  type Random,
  stopLadder,
  type Timer,
} from '@vigil/protocol'
import { hubSlot, tokenBytes } from '../wire/frame.ts'
import { encodeCommand } from '../wire/hub-command.ts'
import type { HubCommand, HubReport } from '../wire/hub-protocol.ts'
import { byteLane, laneDescriptor } from './byte-lane.ts'
import { openChannel } from './channel.ts'
import { lastLine } from './exit-cause.ts'
import type { Intake } from './intake.ts'
import { groupResidentBytes, residentBytes, yieldToOthers } from './proc.ts'
import { type Rights, rightsOf } from './rights.ts'
import { killGroup, type RunNotes } from './run-notes.ts'
import { type Seat, takeSeat } from './seat.ts'
import { type Threads, threadsOf } from './threads.ts'
import { watchVitals } from './vitals.ts'

export interface CellParts {
  readonly clock: Clock
  readonly random: Random
  readonly hub: Bundle
  readonly intake: Intake
  readonly notes: RunNotes
  readonly output: (process: string, stream: 'stdout' | 'stderr', text: string) => void
  /** What any guest of it may be given. */
  readonly rights: Rights
  /** It has a lane for bytes of secrets: only for one that nobody shares. */
  readonly lends: boolean
}

/** A child process with a hub and guest threads. It ends with its last guest. */
export interface Cell {
  /** Takes a guest; `capacity` is how many may sit here together from now on. Only asked while `takes(capacity)`. */
  seat(spec: GuestSpec, listener: GuestListener, capacity: number): Guest
  /** Whether it takes one more, of so many that may sit together. */
  takes(capacity: number): boolean
  /** Lets a thread stand ready with the runtime loaded, if there is none. */
  warm(runtime: Bundle): void
  kill(cause: ExitCause): void
  /** Resolves when the process is gone and noted as gone. */
  readonly gone: Promise<void>
}

const stderrTailBytes = 4_000
/** Threads that a cell starts in its life: then it takes nobody more, so that what leaks in it has an end. */
const threadsInLife = 256

export function startCell(parts: CellParts): Cell {
  const { clock } = parts
  const token = parts.random.bytes(tokenBytes)
  const child: ChildProcess = spawn(
    process.execPath,
    ['--no-warnings', '--permission', '--allow-worker', ...parts.rights.flags, '-'],
    { stdio: ['pipe', 'ignore', 'pipe', 'pipe', ...(parts.lends ? (['pipe'] as const) : [])], detached: true, env: {} },
  )
  // Deadlines and heartbeats of all are kept by ring 0: it goes before any guest.
  if (child.pid !== undefined) yieldToOthers(child.pid)
  const seats = new Map<number, Seat>()
  let capacity = 1
  let stderrTail = ''
  /** Why it is being ended; it takes nobody more. */
  let ending: string | undefined
  let sentence: ExitCause | undefined
  let over = false

  const kill = (because: string): void => {
    if (over) return
    ending ??= because
    if (child.pid !== undefined) killGroup(child.pid)
  }
  const condemn = (cause: ExitCause): void => {
    sentence ??= cause
    kill(`the cell was killed: ${'hint' in cause && cause.hint !== undefined ? cause.hint : cause.kind}`)
  }
  const channel = openChannel(child.stdio[3] as Socket, token, parts.intake, {
    entry: ({ slot, text }) => {
      if (slot === hubSlot) return hear(text)
      const seat = seats.get(slot)
      if (seat !== undefined) seat.message(text)
      else if (!threads.wasOpened(slot)) forged(`a message of slot ${slot}, where nobody was placed`)
    },
    forged: (how) => forged(how),
    stuck: () => condemn({ kind: 'cell_lost', hint: 'the cell stopped reading' }),
  })
  const forged = (hint: string): void => {
    channel.close()
    condemn({ kind: 'cell_forged', hint })
  }
  const command = (order: HubCommand): void => channel.send({ slot: hubSlot, text: encodeCommand(order) })
  const hasChildren = parts.rights.builtins.includes('child_process')
  const sizeOf = hasChildren ? groupResidentBytes : residentBytes
  const resident = (): number | undefined => (child.pid === undefined ? undefined : sizeOf(child.pid))
  const threads: Threads = threadsOf(command)
  const lane = parts.lends ? byteLane(child.stdio[laneDescriptor] as Socket) : undefined
  const vitals = watchVitals({
    clock,
    resident,
    seats: () => seats.values(),
    isShared: () => capacity > 1,
    // To find the members of a group all processes of the machine are looked at.
    pollMs: hasChildren ? 200 : 50,
    condemn,
  })

  const hear = (text: string): void => {
    const report = parseReport(text)
    if (report === undefined) return forged('a report that is none')
    if (report.t === 'beat') {
      vitals.beat()
      for (const beat of report.guests) seats.get(beat.slot)?.beat(beat)
      return
    }
    const seat = seats.get(report.slot)
    if (report.t === 'started') seat?.started()
    else if (report.t === 'weighed') seat?.weighed(report.bytes)
    else if (report.t === 'output') seat?.output(report.stream, report.text)
    else {
      threads.ended(report.slot)
      seat?.ended(report)
    }
  }

  child.stdin?.on('error', () => undefined)
  child.stdin?.end(parts.hub.code)
  command({ t: 'hello', token: Buffer.from(token).toString('hex') })
  const noted = parts.notes.write(child.pid ?? 0)
  noted.catch((error: Error) => condemn({ kind: 'cell_lost', hint: `the cell could not be noted: ${error.message}` }))

  const gone = new Promise<void>((resolve) => {
    let waiting: Timer | undefined
    const bury = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (over) return
      over = true
      channel.drain()
      waiting?.cancel()
      vitals.stop()
      child.stdio[3]?.destroy()
      child.stdio[laneDescriptor]?.destroy()
      child.stderr?.destroy()
      const isCollateral = seats.size > 1 && sentence?.kind !== 'shutdown'
      const shared = isCollateral
        ? { shared: ending ?? `the cell died: ${lastLine(stderrTail) || signal || code}` }
        : {}
      for (const seat of [...seats.values()]) seat.cellGone({ code, signal, stderrTail, sentence, ...shared })
      void parts.notes
        .remove(child.pid ?? 0)
        .catch(() => undefined)
        .finally(resolve)
    }
    child.on('error', (error) => {
      sentence ??= { kind: 'cell_lost', hint: `the cell could not be started: ${error.message}` }
      bury(null, null)
    })
    child.on('exit', (code, signal) => {
      if (child.pid !== undefined) killGroup(child.pid)
      // A grandchild may hold the pipes open after the cell is dead.
      waiting = clock.setTimer(stopLadder.buryMs, () => bury(code, signal))
    })
    child.on('close', bury)
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderrTail = (stderrTail + chunk.toString()).slice(-stderrTailBytes)
  })

  return {
    gone,
    takes: (size) => ending === undefined && !over && seats.size < size && threads.opened < threadsInLife,
    warm(runtime) {
      if (ending === undefined && !over) threads.warm(runtime)
    },
    seat(spec, listener, size) {
      capacity = size
      const rights = rightsOf(spec.permissions)
      const slot = threads.take(spec, rights)
      const seat: Seat = takeSeat({
        clock,
        spec,
        listener,
        slot,
        alone: size === 1,
        command,
        send: (text) => channel.send({ slot, text }),
        lend: (id, bytes) => lane?.write(bytes, () => command({ t: 'lend', slot, id, bytes: bytes.byteLength })),
        pid: () => child.pid ?? 0,
        resident: () => resident() ?? 0,
        endCell: kill,
        output: parts.output,
        left(peakBytes) {
          seats.delete(slot)
          vitals.left(peakBytes)
          if (seats.size === 0) kill('its last guest ended')
        },
      })
      seats.set(slot, seat)
      noted.then(
        () => {
          threads.place(slot, spec, rights, size > 1)
          seat.placed()
        },
        () => undefined,
      )
      return seat
    },
    kill: condemn,
  }
}

function parseReport(text: string): HubReport | undefined {
  try {
    const report = JSON.parse(text) as HubReport
    if (report.t === 'beat') return Array.isArray(report.guests) ? report : undefined
    return ['started', 'weighed', 'output', 'ended'].includes(report.t) ? report : undefined
  } catch {
    return undefined
  }
}
