import type { Clock } from '@vigil/protocol'
import { systemClock } from '@vigil/supervisor/internal'

/** The time of this machine, passing `factor` times as fast: a fleet that wakes every five seconds need not be waited for. */
export function fastClock(factor: number): Clock & { close(): void } {
  const clock = systemClock()
  const [wallZero, zero] = [clock.now(), clock.monotonic()]
  const passed = (): number => (clock.monotonic() - zero) * factor
  return {
    now: () => wallZero + Math.floor(passed()),
    monotonic: passed,
    setTimer: (delayMs, fire) => clock.setTimer(delayMs / factor, fire),
    close: clock.close,
  }
}
