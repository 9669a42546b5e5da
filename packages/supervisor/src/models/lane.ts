import { type Clock, type Timer, VigilError } from '@vigil/protocol'

/** The way to one provider: so many at a time, so many in a while, and all wait when it says that it has had enough. */
export interface Lane {
  /**
   * In order of asking. Resolves with the way to give the place back.
   * @throws what `late` makes, after `withinMs` or when too many wait; the reason of the signal
   */
  enter(options: EnterOptions): Promise<() => void>
  /** One more is sent by somebody who has a place. */
  again(): void
  /** Nothing goes before so many milliseconds have passed. */
  hold(ms: number): void
  /** How long that still lasts. */
  readonly heldMs: number
}

export interface EnterOptions {
  readonly signal: AbortSignal
  readonly withinMs: number
  readonly late: (reason: string) => VigilError
}

export interface LaneOptions {
  readonly clock: Clock
  readonly concurrency: number
  readonly rate?: { readonly count: number; readonly perMs: number } | undefined
}

const mostWaiting = 10_000

export function lane({ clock, concurrency, rate }: LaneOptions): Lane {
  const waiting = new Set<() => void>()
  let starts: number[] = []
  let inside = 0
  let heldUntil = Number.NEGATIVE_INFINITY
  let timer: Timer | undefined

  /** Milliseconds until one more may be sent. */
  const waitMs = (): number => {
    const now = clock.monotonic()
    if (rate !== undefined) starts = starts.filter((at) => at > now - rate.perMs)
    const full = rate !== undefined && starts.length >= rate.count
    const rated = full ? (starts[starts.length - rate.count] as number) + rate.perMs - now : 0
    return Math.max(0, heldUntil - now, rated)
  }

  const sent = (): void => {
    if (rate !== undefined) starts.push(clock.monotonic())
  }

  const look = (): void => {
    timer?.cancel()
    timer = undefined
    for (const begin of waiting) {
      if (inside >= concurrency) return
      const ms = waitMs()
      if (ms > 0) {
        timer = clock.setTimer(ms, look)
        return
      }
      waiting.delete(begin)
      inside += 1
      sent()
      begin()
    }
  }

  const leave = (): (() => void) => {
    let isInside = true
    return () => {
      if (!isInside) return
      isInside = false
      inside -= 1
      look()
    }
  }

  return {
    async enter({ signal, withinMs, late }) {
      if (waiting.size >= mostWaiting) throw late(`${mostWaiting} calls wait for it already`)
      const { promise, resolve, reject } = Promise.withResolvers<() => void>()
      const begin = (): void => resolve(leave())
      const end = (error: unknown): void => {
        if (waiting.delete(begin)) reject(error)
        // Who stood first may have had the timer.
        look()
      }
      const giveUp = (): void => end(signal.reason ?? new VigilError('ABORTED', 'the caller gave up'))
      const deadline = clock.setTimer(withinMs, () => end(late(`no place for it within ${withinMs} ms`)))
      signal.addEventListener('abort', giveUp, { once: true })
      waiting.add(begin)
      look()
      try {
        return await promise
      } finally {
        deadline.cancel()
        signal.removeEventListener('abort', giveUp)
      }
    },
    again: sent,
    hold(ms) {
      heldUntil = Math.max(heldUntil, clock.monotonic() + ms)
      look()
    },
    get heldMs() {
      return Math.max(0, heldUntil - clock.monotonic())
    },
  }
}
