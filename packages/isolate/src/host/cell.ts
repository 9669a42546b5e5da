import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import {
  type Bundle,
  type Clock,
  type ExitCause,
  type Guest,
  type GuestListener,
  type GuestSpec,
  limits,
  type Random,
  type Timer,
} from '@vigil/protocol'
import { guestSlot, hubSlot, tokenBytes } from '../wire/frame.ts'
import type { HubCommand, HubReport } from '../wire/hub-protocol.ts'
import { openChannel } from './channel.ts'
import { exitCause } from './exit-cause.ts'
import { residentBytes } from './proc.ts'
import { killGroup, type RunNotes } from './run-notes.ts'
import { watchVitals } from './vitals.ts'

export interface CellParts {
  readonly clock: Clock
  readonly random: Random
  readonly hub: Bundle
  readonly notes: RunNotes
  readonly output: (process: string, stream: 'stdout' | 'stderr', text: string) => void
}

export interface LivingCell extends Guest {
  readonly gone: Promise<void>
}

/** From `terminate` to SIGKILL: a thread in a system call does not hear the former. */
const terminateMs = 500
/** A grandchild may hold the pipes open after the cell is dead. */
const lastWordsMs = 1_000
const stderrTailBytes = 4_000
const megabyte = 1_048_576

/**
 * One cell with one guest, from spawn to the last word. `exited` is told once, when the process is really gone, so
 * that the next epoch never meets this one.
 */
export function startCell(spec: GuestSpec, listener: GuestListener, parts: CellParts): LivingCell {
  const { clock } = parts
  const token = parts.random.bytes(tokenBytes)
  const child: ChildProcess = spawn(process.execPath, ['--no-warnings', '--permission', '--allow-worker', '-'], {
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    detached: true,
    env: {},
  })
  let verdict: ExitCause | undefined
  let asked = false
  let ended: Extract<HubReport, { t: 'ended' }> | undefined
  let stderrTail = ''
  let over = false
  let peakBytes = 0
  /** What is posted before the guest is placed; the hub would have nobody to give it to. */
  let early: string[] | undefined = []
  const timers = new Set<Timer>()
  const after = (ms: number, act: () => void): Timer => {
    const timer = clock.setTimer(ms, () => {
      timers.delete(timer)
      act()
    })
    timers.add(timer)
    return timer
  }

  const kill = (cause?: ExitCause): void => {
    if (over) return
    verdict ??= cause
    if (child.pid !== undefined) killGroup(child.pid)
  }
  const channel = openChannel(child.stdio[3] as Socket, token, {
    entry: ({ slot, text }) => {
      if (slot === hubSlot) hear(text)
      else if (slot !== guestSlot) forged(`a message of slot ${slot}, where nobody was placed`)
      else if (text.length > limits.messageBytes)
        kill({ kind: 'error', message: `the guest sent a message of ${text.length} characters` })
      else listener.message(text)
    },
    forged: (how) => forged(how),
    stuck: () => kill({ kind: 'cell_lost', hint: 'the cell stopped reading' }),
  })
  const forged = (hint: string): void => {
    channel.close()
    kill({ kind: 'cell_forged', hint })
  }
  const tell = (command: HubCommand): void => channel.send({ slot: hubSlot, text: JSON.stringify(command) })

  const vitals = watchVitals({
    clock,
    spec,
    resident: () => (child.pid === undefined ? undefined : residentBytes(child.pid)),
    seen: (bytes) => {
      peakBytes = Math.max(peakBytes, bytes)
    },
    condemn: (cause) => {
      // The hub may still be able to stop the thread alone, but a cell of one guest ends with it anyway.
      kill(cause)
    },
  })

  const hear = (text: string): void => {
    const report = parseReport(text)
    if (report === undefined) return forged('a report that is none')
    switch (report.t) {
      case 'started':
        starting.cancel()
        listener.started({ pid: child.pid ?? 0, idleRssBytes: vitals.begin() })
        return
      case 'beat':
        vitals.beat(report.beats)
        return
      case 'output':
        parts.output(spec.process, report.stream, report.text)
        return
      case 'ended':
        ended = report
        kill()
    }
  }

  const starting = after(spec.startTimeoutMs, () => kill({ kind: 'start_timeout', after_ms: spec.startTimeoutMs }))

  const place = async (): Promise<void> => {
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(parts.hub.code)
    tell({ t: 'hello', token: Buffer.from(token).toString('hex') })
    await parts.notes.write(child.pid ?? 0, { process: spec.process, epoch: spec.epoch })
    const boot = { process: spec.process, epoch: spec.epoch, module: spec.module, env: spec.env }
    tell({ t: 'place', runtime: spec.runtime.code, boot, oldGenerationMb: Math.max(512, spec.memoryMb * 4) })
    for (const text of early ?? []) channel.send({ slot: guestSlot, text })
    early = undefined
  }

  const gone = new Promise<void>((resolve) => {
    let waiting: Timer | undefined
    const bury = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (over) return
      over = true
      waiting?.cancel()
      vitals.stop()
      for (const timer of timers) timer.cancel()
      child.stdio[3]?.destroy()
      child.stderr?.destroy()
      const memory = { usedMb: Math.round(peakBytes / megabyte), limitMb: spec.memoryMb }
      listener.exited(exitCause({ verdict, asked, ended, code, signal, stderrTail, memory }))
      void parts.notes
        .remove(child.pid ?? 0)
        .catch(() => undefined)
        .finally(resolve)
    }
    child.on('error', (error) => {
      verdict ??= { kind: 'cell_lost', hint: `the cell could not be started: ${error.message}` }
      bury(null, null)
    })
    child.on('exit', (code, signal) => {
      if (child.pid !== undefined) killGroup(child.pid)
      waiting = clock.setTimer(lastWordsMs, () => bury(code, signal))
    })
    child.on('close', bury)
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderrTail = (stderrTail + chunk.toString()).slice(-stderrTailBytes)
  })
  place().catch((error: unknown) =>
    kill({ kind: 'cell_lost', hint: `the cell could not be noted: ${(error as Error).message}` }),
  )

  return {
    gone,
    post(text) {
      if (over) return
      if (early === undefined) channel.send({ slot: guestSlot, text })
      else early.push(text)
    },
    stop(graceMs) {
      if (over || asked) return
      asked = true
      const began = clock.monotonic()
      tell({ t: 'ask' })
      after(graceMs, () => {
        tell({ t: 'terminate' })
        after(terminateMs, () => kill({ kind: 'wedged', stopped_after_ms: Math.round(clock.monotonic() - began) }))
      })
    },
    kill,
  }
}

function parseReport(text: string): HubReport | undefined {
  try {
    const report = JSON.parse(text) as HubReport
    return ['started', 'beat', 'output', 'ended'].includes(report.t) ? report : undefined
  } catch {
    return undefined
  }
}
