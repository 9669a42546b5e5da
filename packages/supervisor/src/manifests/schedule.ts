import type { ManifestDocument } from '@vigil/protocol'
import { cronProblem, nextSlot } from '../triggers/cron-slots.ts'
import { topicPatternProblem } from '../triggers/topic-pattern.ts'

/** The field of a trigger whose pattern never could fire, and why, as a whole sentence; undefined when it is good. */
export function patternProblem(trigger: ManifestDocument['triggers'][number]) {
  switch (trigger.type) {
    case 'cron':
      return problemIn('cron_expression', scheduleProblem(trigger.cron_expression, trigger.timezone))
    case 'event':
      return problemIn('event_type', topicPatternProblem(trigger.event_type))
    case 'message':
      return problemIn('topic', trigger.topic === undefined ? undefined : topicPatternProblem(trigger.topic))
    case 'file_watch':
      return undefined
  }
}

const problemIn = (field: string, message: string | undefined) =>
  message === undefined ? undefined : { field, message }

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
