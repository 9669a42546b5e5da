import type { Clock, ExitCause, GuestSpec, Timer } from '@vigil/protocol'

/** Watches memory and heartbeat of one cell. What the hub reports is a hint; sizes come from /proc. */
export interface Vitals {
  /** The guest runs: what the cell weighs now is its idle size. Returns it in bytes. */
  begin(): number
  /** The hub lives, and the guest's own loop has turned `beats` times. */
  beat(beats: number): void
  stop(): void
}

export interface VitalsParts {
  readonly clock: Clock
  readonly spec: GuestSpec
  readonly resident: () => number | undefined
  readonly seen: (bytes: number) => void
  readonly condemn: (cause: ExitCause) => void
}

/** A guest that takes 1 GB in one step is seen within one poll; a poll costs 16 us. */
const pollMs = 50
/** Hub and ring 0 may be slow on a loaded machine; the guest's own limit is in its manifest. */
const hubSilenceMs = 10_000
const megabyte = 1_048_576

export function watchVitals({ clock, spec, resident, seen, condemn }: VitalsParts): Vitals {
  let timer: Timer | undefined
  let idleBytes = 0
  let beats = -1
  let guestAliveAt = 0
  let hubAliveAt = 0

  const poll = (): void => {
    timer = clock.setTimer(pollMs, poll)
    const bytes = resident()
    if (bytes === undefined) return
    const grownMb = (bytes - idleBytes) / megabyte
    seen(Math.max(0, bytes - idleBytes))
    if (grownMb > spec.memoryMb)
      return condemn({ kind: 'memory', used_mb: Math.round(grownMb), limit_mb: spec.memoryMb })
    const now = clock.monotonic()
    if (now - hubAliveAt > Math.max(hubSilenceMs, spec.heartbeatTimeoutMs))
      return condemn({ kind: 'cell_lost', hint: 'the hub fell silent' })
    if (now - guestAliveAt > spec.heartbeatTimeoutMs)
      condemn({ kind: 'heartbeat_lost', silent_ms: Math.round(now - guestAliveAt) })
  }

  return {
    begin() {
      idleBytes = resident() ?? 0
      guestAliveAt = clock.monotonic()
      hubAliveAt = guestAliveAt
      timer = clock.setTimer(pollMs, poll)
      return idleBytes
    },
    beat(count) {
      hubAliveAt = clock.monotonic()
      if (count === beats) return
      beats = count
      guestAliveAt = hubAliveAt
    },
    stop() {
      timer?.cancel()
    },
  }
}
