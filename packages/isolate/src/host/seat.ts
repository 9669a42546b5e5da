import {
  type Clock,
  type ExitCause,
  type Guest,
  type GuestListener,
  type GuestSpec,
  limits,
  stopLadder,
  type Timer,
} from '@vigil/protocol'
import type { GuestBeat, HubCommand, HubReport } from '../wire/hub-protocol.ts'
import { type CellEnd, exitCause } from './exit-cause.ts'

/** What a seat may do in its cell. */
export interface SeatParts {
  readonly clock: Clock
  readonly spec: GuestSpec
  readonly listener: GuestListener
  readonly slot: number
  /** Nobody else can ever sit in this cell: the guest ends with its cell, and the cell with its guest. */
  readonly alone: boolean
  readonly command: (command: HubCommand) => void
  readonly send: (text: string) => void
  readonly lend: (id: number, bytes: Uint8Array) => void
  readonly pid: () => number
  /** Resident bytes of the cell. */
  readonly resident: () => number
  /** SIGKILL to the cell; `because` is what the others in it are told. */
  readonly endCell: (because: string) => void
  readonly output: (process: string, stream: 'stdout' | 'stderr', text: string) => void
  /** It has been told that it exited; the most that was ever on its account. */
  readonly left: (peakBytes: number) => void
}

/** One guest in a cell, from its place to its last word. */
export interface Seat extends Guest {
  readonly spec: GuestSpec
  /** It has been told to end by itself, or is being ended. */
  readonly doomed: boolean
  placed(): void
  message(text: string): void
  started(): void
  beat(beat: GuestBeat): void
  weighed(bytes: number): void
  output(stream: 'stdout' | 'stderr', text: string): void
  ended(report: Extract<HubReport, { t: 'ended' }>): void
  /** A look at memory and heartbeat; returns the bytes that are on its account. */
  check(residentBytes: number): number
  cellGone(end: CellEnd): void
}

const megabyte = 1_048_576
/**
 * A thread that has too much is collecting garbage and hears nothing, on a busy machine for a second and more at the
 * priority of a cell. Meanwhile the cell may not outgrow the sum of all.
 */
const collectingMs = 5_000
/** A loop that is never at rest. */
const fullyBusy = 0.99

export function takeSeat(parts: SeatParts): Seat {
  const { clock, spec, listener, slot, alone } = parts
  let verdict: ExitCause | undefined
  let asked = false
  let terminating = false
  let ended: Extract<HubReport, { t: 'ended' }> | undefined
  let over = false
  let isStarted = false
  /** What is posted before the guest is placed; the hub would have nobody to give it to. */
  let early: string[] | undefined = []
  let idleBytes: number | undefined
  let weighedBytes = 0
  let grownNow = 0
  let peakBytes = 0
  let beats = -1
  let loop = 0
  let busySince: number | undefined
  let aliveAt = 0
  const timers = new Set<Timer>()
  const after = (ms: number, act: () => void): Timer => {
    const timer = clock.setTimer(ms, () => {
      timers.delete(timer)
      act()
    })
    timers.add(timer)
    return timer
  }

  const exit = (cause: ExitCause): void => {
    if (over) return
    over = true
    for (const timer of timers) timer.cancel()
    listener.exited(cause)
    parts.left(peakBytes)
  }

  const evidence = (end: CellEnd) => {
    const memory = { usedMb: Math.round(peakBytes / megabyte), limitMb: spec.memoryMb }
    return { ...end, verdict, asked, ended, memory }
  }

  /** Ends the thread; a thread that does not let go costs the cell. */
  const terminate = (patienceMs: number, wedged: () => void): void => {
    if (!terminating) parts.command({ t: 'terminate', slot })
    terminating = true
    // A thread in a system call does not hear `terminate`.
    after(patienceMs, wedged)
  }

  const kill = (cause: ExitCause): void => {
    if (over) return
    verdict ??= cause
    const because = `${spec.process} did not let go of its thread (${verdict.kind})`
    if (alone) parts.endCell(because)
    else terminate(cause.kind === 'memory' ? collectingMs : stopLadder.terminateMs, () => parts.endCell(because))
  }

  const starting = after(spec.startTimeoutMs, () => kill({ kind: 'start_timeout', after_ms: spec.startTimeoutMs }))

  /** Alone the cell's size above its idle size; with others what its own heap and Buffers weigh. */
  const grownBytes = (residentBytes: number): number =>
    Math.max(0, (alone ? residentBytes : weighedBytes) - (idleBytes ?? Number.POSITIVE_INFINITY))

  return {
    spec,
    get vitals() {
      if (!isStarted || over) return undefined
      const busyMs = busySince === undefined ? 0 : Math.round(clock.monotonic() - busySince)
      return { memoryMb: Math.round(grownNow / megabyte), loop, busyMs }
    },
    get doomed() {
      return over || asked || terminating || verdict !== undefined
    },
    placed() {
      for (const text of early ?? []) parts.send(text)
      early = undefined
    },
    message(text) {
      if (over) return
      if (text.length > limits.messageBytes)
        kill({ kind: 'error', message: `the guest sent a message of ${text.length} characters` })
      else listener.message(text)
    },
    started() {
      if (over || isStarted) return
      isStarted = true
      starting.cancel()
      aliveAt = clock.monotonic()
      if (alone) idleBytes = parts.resident()
      listener.started({ pid: parts.pid(), idleRssBytes: parts.resident() })
    },
    beat(beat) {
      loop = beat.loop
      busySince = loop < fullyBusy ? undefined : (busySince ?? clock.monotonic())
      if (beat.beats === beats) return
      beats = beat.beats
      aliveAt = clock.monotonic()
    },
    weighed(bytes) {
      idleBytes ??= bytes
      weighedBytes = bytes
    },
    output: (stream, text) => parts.output(spec.process, stream, text),
    ended(report) {
      ended = report
      if (alone) parts.endCell('its guest ended')
      else exit(exitCause(evidence({ code: null, signal: null, stderrTail: '' })))
    },
    check(residentBytes) {
      if (!isStarted || over) return 0
      const grown = grownBytes(residentBytes)
      grownNow = grown
      peakBytes = Math.max(peakBytes, grown)
      const silentMs = clock.monotonic() - aliveAt
      if (grown > spec.memoryMb * megabyte)
        // What is over the limit is told as more than it, however little.
        kill({ kind: 'memory', used_mb: Math.ceil(grown / megabyte), limit_mb: spec.memoryMb })
      else if (silentMs > spec.heartbeatTimeoutMs) kill({ kind: 'heartbeat_lost', silent_ms: Math.round(silentMs) })
      return grown
    },
    cellGone: (end) => exit(exitCause(evidence(end))),
    post(text) {
      if (over) return
      if (early === undefined) parts.send(text)
      else early.push(text)
    },
    lend(id, bytes) {
      if (!over) parts.lend(id, bytes)
    },
    takeBack(id) {
      if (!over) parts.command({ t: 'take_back', slot, id })
    },
    stop(graceMs) {
      if (over || asked) return
      asked = true
      const began = clock.monotonic()
      parts.command({ t: 'ask', slot })
      after(graceMs, () =>
        terminate(stopLadder.terminateMs, () => {
          verdict ??= { kind: 'wedged', stopped_after_ms: Math.round(clock.monotonic() - began) }
          parts.endCell(`${spec.process} did not let go of its thread`)
        }),
      )
    },
    kill,
  }
}
