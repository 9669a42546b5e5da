import type { Trigger } from '../manifests/manifest.ts'

/**
 * What becomes of slots that have passed, decided without a clock: first which of them still count (`catch_up`), then
 * which of those meet an event of the same trigger that is not over yet (`overlap`).
 */
type Cron = Extract<Trigger, { type: 'cron' }>
export type CatchUp = NonNullable<Cron['catchUp']>
export type Overlap = NonNullable<Cron['overlap']>

/** A slot that may fire, and how many before it were folded into it. */
export interface DueSlot {
  readonly slot: Date
  readonly missed: number
}

/** Of slots that have passed, oldest first; `isFresh`: the newest of them was waited for and is not late. */
export function caughtUp(passed: readonly Date[], catchUp: CatchUp, isFresh: boolean): DueSlot[] {
  const newest = passed.at(-1)
  if (newest === undefined || (catchUp === 'none' && !isFresh)) return []
  if (catchUp === 'all') return passed.map((slot) => ({ slot, missed: 0 }))
  return [{ slot: newest, missed: catchUp === 'latest' ? passed.length - 1 : 0 }]
}

/** How many may be there at once: one at work, one behind it. */
const room: Readonly<Partial<Record<Overlap, number>>> = { skip: 1, buffer_one: 2 }

/** Those that become events. `endsOthers`: the unfinished ones are ended first. */
export function overlapped<Due>(
  due: readonly Due[],
  overlap: Overlap,
  unfinished: number,
): { readonly taken: readonly Due[]; readonly endsOthers: boolean } {
  // What the newest would end at once need not begin.
  if (overlap === 'cancel_other' || overlap === 'terminate_other')
    return { taken: due.slice(-1), endsOthers: due.length > 0 }
  const most = room[overlap]
  return { taken: most === undefined ? due : due.slice(0, Math.max(0, most - unfinished)), endsOthers: false }
}
