import type { Trigger } from '../manifests/manifest.ts'
import type { FilterScope } from './filter/evaluate.ts'
import { compileFilter, compilePath } from './filter/filter.ts'

/** What a trigger asks of each event, compiled; the manifest's edge has refused what does not compile. */
export interface TriggerPrograms {
  readonly filter?: (scope: FilterScope) => boolean
  /** Of its debounce. */
  readonly key?: (scope: FilterScope) => unknown
  readonly concurrencyKey?: (scope: FilterScope) => unknown
}

/** Triggers of a deployed manifest never change. */
const compiled = new WeakMap<Trigger, TriggerPrograms>()

export function programsOf(trigger: Trigger): TriggerPrograms {
  const found = compiled.get(trigger)
  if (found !== undefined) return found
  const { filter, key, concurrencyKey } = trigger
  const programs = {
    ...(filter === undefined ? {} : { filter: compileFilter(filter) }),
    ...(key === undefined ? {} : { key: compilePath(key) }),
    ...(concurrencyKey === undefined ? {} : { concurrencyKey: compilePath(concurrencyKey) }),
  }
  compiled.set(trigger, programs)
  return programs
}
