import type { ManifestProblem } from '@vigil/protocol'
import { triggerId } from '../triggers/event-id.ts'
import type { Trigger } from './manifest.ts'

/** Two triggers that listen to the same would be one: keys, baselines and counts go by what a trigger listens to. */
export function twinProblems(triggers: readonly Trigger[]): ManifestProblem[] {
  const first = new Map<string, number>()
  return triggers.flatMap((trigger, index) => {
    const twin = first.getOrInsert(triggerId(trigger), index)
    if (twin === index) return []
    const message = `expected triggers that differ in what they listen to, found that of triggers.${twin} again`
    return [
      { code: 'INVALID_CONFIG' as const, path: ['triggers', index], message, hint: 'one filter may join both with or' },
    ]
  })
}
