import { VigilError } from '@vigil/protocol'
import { Cron } from 'croner'

/**
 * When a cron pattern wants to fire, as pure arithmetic: croner only calculates here, the Clock fires.
 * A pattern whose seconds, minutes and hours are plain values, lists or ranges means times of the day: in
 * the gap of a DST change it fires at the first instant after it, in the overlap once. A pattern with `*`
 * or a step there means "every so often" and follows elapsed time.
 */

/** A Cron object weighs 81 KB, so only the patterns in use are kept, least recently used last. */
const keptCalculators = 64
const calculators = new Map<string, Cron>()

function calculator(pattern: string, zone: string): Cron {
  const key = `${zone} ${pattern}`
  const cron = calculators.get(key) ?? parse(pattern, zone)
  calculators.delete(key)
  calculators.set(key, cron)
  if (calculators.size > keptCalculators) calculators.delete(calculators.keys().next().value as string)
  return cron
}

function parse(pattern: string, zone: string): Cron {
  // croner would also take nicknames, years and ISO dates, and what `nextRun` says of those surprises.
  const fields = pattern.trim().split(/\s+/).length
  if ((fields !== 5 && fields !== 6) || pattern.trim() === '') {
    throw invalid(pattern, `found ${pattern.trim() === '' ? 0 : fields}`)
  }
  try {
    const cron = new Cron(pattern, { timezone: zone, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard' })
    // An unknown zone is told only by the first calculation.
    cron.nextRun(new Date(0))
    return cron
  } catch (error) {
    throw invalid(pattern, (error as Error).message.replace(/^Cron\w+: /, ''), error)
  }
}

const invalid = (pattern: string, found: string, cause?: unknown): VigilError =>
  new VigilError(
    'INVALID_CONFIG',
    `cron "${pattern}": expected 5 fields (minute hour day month weekday) or 6 with seconds first, ${found}`,
    { cause },
  )

/** What is wrong with a pattern or its zone, in a sentence; undefined when it can be calculated. */
export function cronProblem(pattern: string, zone: string): string | undefined {
  try {
    calculator(pattern, zone)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/**
 * The first slot strictly after `after`, or undefined when the pattern never comes (30 February).
 * @throws INVALID_CONFIG
 */
export function nextSlot(pattern: string, zone: string, after: Date): Date | undefined {
  return calculator(pattern, zone).nextRun(after) ?? undefined
}

/**
 * The slots in (after, until], oldest first; when there are more than `limit`, the newest of them.
 * @throws INVALID_CONFIG
 */
export function previousSlots(pattern: string, zone: string, after: Date, until: Date, limit: number): Date[] {
  if (limit <= 0 || until.getTime() <= after.getTime()) return []
  const cron = calculator(pattern, zone)
  const slots: Date[] = []
  // croner looks strictly before its reference, and slots lie on whole seconds.
  let reference = new Date(until.getTime() + 1)
  // Each slot costs up to 0.1 ms and mostly one is missing, so the batches begin small.
  for (let batch = 2; slots.length < limit; batch *= 2) {
    const found = cron.previousRuns(Math.min(batch, limit - slots.length), reference)
    const fresh = found.filter((slot) => slot.getTime() > after.getTime())
    slots.push(...fresh)
    const oldest = fresh.at(-1)
    if (oldest === undefined || fresh.length < batch) break
    reference = oldest
  }
  return slots.reverse()
}
