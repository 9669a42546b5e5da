import type { Clock, ExitCause, Timer } from '@vigil/protocol'
import type { Seat } from './seat.ts'

/** Watches memory and heartbeats of one cell. What the hub reports is a hint; sizes come from /proc. */
export interface Vitals {
  /** The hub lives. */
  beat(): void
  /** A guest is gone, that had so much on its account. */
  left(peakBytes: number): void
  stop(): void
}

export interface VitalsParts {
  readonly clock: Clock
  readonly resident: () => number | undefined
  readonly seats: () => Iterable<Pick<Seat, 'spec' | 'check'>>
  /** Guests may sit in it together. */
  readonly isShared: () => boolean
  /** A guest that takes 1 GB in one step is seen within one poll; a poll of one process costs 16 us. */
  readonly pollMs: number
  readonly condemn: (cause: ExitCause) => void
}

/** Hub and ring 0 may be slow on a loaded machine; the guest's own limit is in its manifest. */
const hubSilenceMs = 10_000
/** What a thread costs that does nothing, twice over. */
const threadMb = 24
/** The memory of a thread that ended is given back late, and never all of it. */
const settleMs = 1_000
const megabyte = 1_048_576

export function watchVitals({ clock, resident, seats, isShared, pollMs, condemn }: VitalsParts): Vitals {
  let hubBytes: number | undefined
  let hubAliveAt = clock.monotonic()
  /** What the dead left behind for good, and what they may still give back, until `settlesAt`. */
  let leftMb = 0
  let leavingMb = 0
  let settlesAt = 0

  /** WebAssembly and SharedArrayBuffers are on nobody's account: all together may not outgrow the sum. */
  const checkSum = (bytes: number, accountedMb: number, limitMb: number): void => {
    const grownMb = (bytes - (hubBytes ?? bytes)) / megabyte
    if (leavingMb > 0 && clock.monotonic() >= settlesAt) {
      leftMb += Math.min(leavingMb, Math.max(0, grownMb - accountedMb - leftMb))
      leavingMb = 0
    }
    const allowedMb = Math.round(limitMb + leftMb + leavingMb)
    if (grownMb > allowedMb)
      condemn({ kind: 'memory', used_mb: Math.ceil(grownMb), limit_mb: allowedMb, hint: 'all of the cell together' })
  }

  const poll = (): void => {
    timer = clock.setTimer(pollMs, poll)
    const bytes = resident()
    if (bytes === undefined) return
    let accountedMb = threadMb
    // One more thread may stand ready in it.
    let limitMb = threadMb
    let patienceMs = hubSilenceMs
    for (const seat of seats()) {
      accountedMb += seat.check(bytes) / megabyte + threadMb
      limitMb += seat.spec.memoryMb + threadMb
      patienceMs = Math.max(patienceMs, seat.spec.heartbeatTimeoutMs)
    }
    if (isShared()) checkSum(bytes, accountedMb, limitMb)
    if (clock.monotonic() - hubAliveAt > patienceMs) condemn({ kind: 'cell_lost', hint: 'the hub fell silent' })
  }
  let timer: Timer = clock.setTimer(pollMs, poll)

  return {
    beat() {
      hubAliveAt = clock.monotonic()
      hubBytes ??= resident()
    },
    left(peakBytes) {
      if (leavingMb === 0) settlesAt = clock.monotonic() + settleMs
      leavingMb += peakBytes / megabyte + threadMb
    },
    stop: () => timer.cancel(),
  }
}
