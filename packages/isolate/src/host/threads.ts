import type { Bundle, GuestSpec } from '@vigil/protocol'
import type { HubCommand } from '../wire/hub-protocol.ts'
import type { Rights } from './rights.ts'

/** The guest threads of one cell: opened for somebody, or to stand ready for whoever comes. */
export interface Threads {
  /** How many were ever opened. */
  readonly opened: number
  wasOpened(slot: number): boolean
  /** One stands ready from now on, if none does. */
  warm(runtime: Bundle): void
  /** A thread for this guest: the one that stands ready if it fits, else a new one. */
  take(spec: GuestSpec, rights: Rights): number
  place(slot: number, spec: GuestSpec, rights: Rights, weigh: boolean): void
  ended(slot: number): void
}

/** V8's own limit, far above the guest's: it is the first rung of the ladder, and the one that may cost the cell. */
const oldGenerationMb = (memoryMb: number): number => Math.max(1_024, memoryMb * 4)
/** A thread that stands ready has its limit already. */
const warmMemoryMb = 256

export function threadsOf(command: (order: HubCommand) => void): Threads {
  let opened = 0
  let ready: { readonly slot: number; readonly runtime: string } | undefined

  const open = (runtime: Bundle, memoryMb: number, { flags }: Rights, isSpare: boolean): number => {
    opened += 1
    command({
      t: 'open',
      slot: opened,
      runtime: runtime.code,
      oldGenerationMb: oldGenerationMb(memoryMb),
      rights: flags,
      isSpare,
    })
    return opened
  }

  return {
    get opened() {
      return opened
    },
    wasOpened: (slot) => slot <= opened,
    warm(runtime) {
      ready ??= { slot: open(runtime, warmMemoryMb, { flags: [], builtins: [] }, true), runtime: runtime.hash }
    },
    take(spec, rights) {
      const found = ready
      const fits =
        found?.runtime === spec.runtime.hash && spec.memoryMb <= warmMemoryMb && spec.permissions === undefined
      if (found === undefined || !fits) return open(spec.runtime, spec.memoryMb, rights, false)
      ready = undefined
      return found.slot
    },
    place(slot, { process, epoch, module, env, permissions }, { builtins }, weigh) {
      const addonsFrom = permissions?.addons
      const boot = { process, epoch, module, env, builtins, ...(addonsFrom === undefined ? {} : { addonsFrom }) }
      command({ t: 'place', slot, boot, weigh })
    },
    ended(slot) {
      if (ready?.slot === slot) ready = undefined
    },
  }
}
