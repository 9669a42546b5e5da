import type { ExitCause } from '@vigil/protocol'
import type { ChildSpec } from './child-spec.ts'
import type { ChildCounts, ChildRow } from './protocol.ts'

export interface Child {
  readonly id: string
  /** One of any number of its kind. */
  readonly isInstance: boolean
  /** What this instance was asked for with. */
  args: unknown
  spec: ChildSpec
  /** Its present life; undefined while it has none. */
  ref: number | undefined
  state: 'absent' | 'starting' | 'running' | 'stopping' | 'restarting'
  /** It has died by itself, and nobody has dealt with that yet. */
  died: { readonly ref: number; readonly cause: ExitCause } | undefined
  runsSince: number
  /** Restarts in a row without a stable life. */
  streak: number
  /** For its next start. */
  wait: { readonly timer: number; readonly isBackoff: boolean } | undefined
}

/** Children in the order of their start, found by name and by life. */
export interface Children {
  get(id: string): Child | undefined
  byRef(ref: number): Child | undefined
  add(spec: ChildSpec, instance?: { readonly id: string; readonly args: unknown }): Child
  remove(child: Child): void
  /** These first, in this order, then the others as they stood. */
  arrange(ids: readonly string[]): void
  /** Gives it a life, or takes it away. */
  enliven(child: Child, ref: number): void
  bury(child: Child): void
  inOrder(): Child[]
  /** The child and all that were started after it. */
  from(child: Child): Child[]
}

export function newChildren(): Children {
  const byId = new Map<string, Child>()
  const byRef = new Map<number, Child>()
  const inOrder = (): Child[] => [...byId.values()]

  return {
    get: (id) => byId.get(id),
    byRef: (ref) => byRef.get(ref),
    add(spec, instance) {
      const child: Child = {
        id: instance?.id ?? spec.id,
        isInstance: instance !== undefined,
        args: instance?.args,
        spec,
        ref: undefined,
        state: 'absent',
        died: undefined,
        runsSince: 0,
        streak: 0,
        wait: undefined,
      }
      byId.set(child.id, child)
      return child
    },
    remove: (child) => void byId.delete(child.id),
    arrange(ids) {
      const all = new Map(byId)
      byId.clear()
      for (const id of new Set([...ids, ...all.keys()])) {
        const child = all.get(id)
        if (child !== undefined) byId.set(id, child)
      }
    },
    enliven(child, ref) {
      child.ref = ref
      byRef.set(ref, child)
    },
    bury(child) {
      if (child.ref !== undefined) byRef.delete(child.ref)
      child.ref = undefined
      child.state = 'absent'
    },
    inOrder,
    from(child) {
      const all = inOrder()
      return all.slice(all.indexOf(child))
    },
  }
}

export const rowOf = ({ id, ref, state, spec }: Child): ChildRow => ({
  id,
  ref: state === 'restarting' ? 'restarting' : ref,
  type: spec.type,
})

export function countsOf(all: readonly Child[], specs: number): ChildCounts {
  const supervisors = all.filter(({ spec }) => spec.type === 'supervisor').length
  const active = all.filter(({ ref }) => ref !== undefined).length
  return { specs, active, supervisors, workers: all.length - supervisors }
}
