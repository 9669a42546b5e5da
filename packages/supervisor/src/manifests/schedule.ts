import type { ManifestDocument, ManifestProblem } from '@vigil/protocol'
import { cronProblem, nextSlot } from '../triggers/cron-slots.ts'
import { filterProblem, inputFilterProblem, pathProblem } from '../triggers/filter/filter.ts'
import { topicPatternProblem } from '../triggers/topic-pattern.ts'
import { sourcesProblem } from '../triggers/webhook/sources.ts'

/** A field of a trigger that never could work, and why, as a whole sentence. */
interface PatternProblem {
  readonly field: string
  readonly message: string
}

/** What is wrong with the patterns, filters and paths of a trigger. */
export function patternProblems(trigger: ManifestDocument['triggers'][number]): PatternProblem[] {
  const settling = trigger.type === 'cron' || trigger.type === 'file_watch' ? undefined : trigger.key
  const found: Readonly<Record<string, string | undefined>> = {
    ...ownProblem(trigger),
    filter: trigger.filter && filterProblem(trigger.filter),
    key: settling && pathProblem(settling),
    concurrency_key: trigger.concurrency_key && pathProblem(trigger.concurrency_key),
  }
  return Object.entries(found).flatMap(([field, message]) => (message === undefined ? [] : [{ field, message }]))
}

/** What is wrong with the filters of tool policies, each at its place. */
export const policyProblems = ({ tools }: ManifestDocument): ManifestProblem[] =>
  Object.entries(tools).flatMap(([glob, { needs_approval: filter }]) => {
    const message = typeof filter === 'string' ? inputFilterProblem(filter) : undefined
    return message === undefined
      ? []
      : [{ code: 'INVALID_CONFIG' as const, path: ['tools', glob, 'needs_approval'], message }]
  })

function ownProblem(trigger: ManifestDocument['triggers'][number]): Readonly<Record<string, string | undefined>> {
  switch (trigger.type) {
    case 'cron':
      return { cron_expression: scheduleProblem(trigger.cron_expression, trigger.timezone) }
    case 'event':
      return { event_type: topicPatternProblem(trigger.event_type) }
    case 'message':
      return { topic: trigger.topic && topicPatternProblem(trigger.topic) }
    case 'webhook':
      return { allowed_sources: sourcesProblem(trigger.allowed_sources ?? []) }
    case 'file_watch':
    case 'custom':
      return {}
  }
}

function scheduleProblem(pattern: string, timezone: string): string | undefined {
  const problem = cronProblem(pattern, timezone)
  if (problem !== undefined) return problem
  // A fixed start keeps the answer free of the clock: only impossible dates such as 31 February find nothing.
  const fires = nextSlot(pattern, timezone, new Date(0)) !== undefined
  return fires ? undefined : `cron "${pattern}": expected a pattern that comes, found a date that no year has`
}

/** The next fires of a pattern after `from`, as ISO strings. */
export function nextFires(pattern: string, timezone: string, from: Date, count: number): string[] {
  const fires: string[] = []
  for (let at: Date | undefined = from; fires.length < count; ) {
    at = nextSlot(pattern, timezone, at)
    if (at === undefined) break
    fires.push(at.toISOString())
  }
  return fires
}
