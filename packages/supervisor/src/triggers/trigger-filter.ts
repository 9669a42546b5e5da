import type { Trigger } from '../manifests/manifest.ts'
import type { FilterScope } from './filter/evaluate.ts'
import { compileFilter } from './filter/filter.ts'

/** Triggers of a deployed manifest never change. */
const compiled = new WeakMap<Trigger, (scope: FilterScope) => boolean>()

/** Whether the trigger takes such an event; the manifest's edge has refused what does not compile. */
export function fits(trigger: Trigger, event: () => FilterScope): boolean {
  const { filter } = trigger
  return filter === undefined || compiled.getOrInsertComputed(trigger, () => compileFilter(filter))(event())
}
