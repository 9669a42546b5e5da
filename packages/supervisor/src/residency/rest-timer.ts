import type { Clock, Timer } from '@vigil/protocol'
import type { Manifest } from '../manifests/manifest.ts'
import type { Lives } from '../processes/lives.ts'

/** Lets an agent rest that had nothing to do for a while, or whose guest only waits for what ring 0 does. */
export interface RestTimer {
  /** All work is given out; whether there was none. */
  settled(isIdle: boolean): void
  /** A call came or was answered, or a turn ended. */
  moved(): void
  close(): void
}

/** A wait this long is worth a thread and a replay. */
const evictAfterMs = 2_000

export function restTimer(parts: {
  readonly clock: Clock
  readonly manifest: () => Pick<Manifest, 'hibernateAfterMs' | 'evictable'>
  readonly lives: () => Pick<Lives, 'spare' | 'rest' | 'current'>
}): RestTimer {
  const { clock, manifest, lives } = parts
  let idle: { readonly timer: Timer; readonly life: unknown } | undefined
  let waits: Timer | undefined
  const cancelIdle = (): void => {
    idle?.timer.cancel()
    idle = undefined
  }
  return {
    settled(isIdle) {
      const { hibernateAfterMs } = manifest()
      const mayRest = isIdle && hibernateAfterMs > 0
      lives().spare(mayRest)
      const life = lives().current
      if (!mayRest || idle?.life !== life) cancelIdle()
      if (!mayRest || idle !== undefined) return
      const timer = clock.setTimer(hibernateAfterMs, () => {
        idle = undefined
        if (lives().current === life) lives().rest('idle')
      })
      idle = { timer, life }
    },
    moved() {
      waits?.cancel()
      waits = undefined
      const mayBeEvicted = (): boolean => {
        const waitsFor = lives().current?.waitsFor
        // Nobody's thread is kept for a person, who may take days.
        return waitsFor === 'people' || (waitsFor === 'ring0' && manifest().evictable)
      }
      if (!mayBeEvicted()) return
      waits = clock.setTimer(evictAfterMs, () => {
        waits = undefined
        if (mayBeEvicted()) lives().rest('waiting')
      })
    },
    close() {
      cancelIdle()
      waits?.cancel()
    },
  }
}
