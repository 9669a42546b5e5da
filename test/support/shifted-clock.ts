import type { Clock } from '@vigil/protocol'
import { systemClock } from '@vigil/supervisor/internal'

/** The time of this machine, except that the date may be set forward: timers take no notice of it. */
export function shiftedClock(): Clock & { forward(ms: number): void; close(): void } {
  const clock = systemClock()
  let byMs = 0
  return {
    ...clock,
    now: () => clock.now() + byMs,
    forward(ms) {
      byMs += ms
    },
  }
}
