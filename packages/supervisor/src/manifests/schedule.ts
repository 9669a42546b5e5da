import { cronProblem, nextSlot } from '../triggers/cron-slots.ts'

/** What is wrong with a cron pattern, as a whole sentence, or undefined when it is good. */
export function scheduleProblem(pattern: string, timezone: string): string | undefined {
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
