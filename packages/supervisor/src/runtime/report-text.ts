import { inspect } from 'node:util'
import type { SupervisorEvents } from '../surface.ts'

export interface ReportTextOptions {
  /** No line breaks. Default false. */
  readonly singleLine?: boolean
  /** Characters that the whole text has at most. Default 4,000. */
  readonly chars?: number
  /** Levels of the reason that are shown. Default 4. */
  readonly depth?: number
}

/** A crash report in words: which supervisor, in which context, why, and about whom. */
export function reportText(
  { supervisor, context, reason, offender }: Parameters<SupervisorEvents['report']>[0],
  { singleLine = false, chars = 4_000, depth = 4 }: ReportTextOptions = {},
): string {
  const { id, ref, restart, shutdown, type } = offender
  const life = ref === undefined ? 'no life' : `life ${ref}`
  const budget = typeof shutdown === 'number' ? `${shutdown} ms to stop` : `${shutdown} to stop`
  const about = `${id} (${life}, ${restart} ${type}, ${budget})`
  const why = inspect(reason, {
    depth,
    maxStringLength: Math.ceil(chars / 2),
    breakLength: singleLine ? Number.POSITIVE_INFINITY : 100,
  })
  const text = singleLine
    ? `supervisor ${supervisor}: ${context}: ${about}: ${why.replace(/\s*\n\s*/g, ' ')}`
    : `supervisor ${supervisor}: ${context}\n  offender ${about}\n  reason   ${why.replaceAll('\n', '\n           ')}`
  return text.length > chars ? `${text.slice(0, chars - 3)}...` : text
}
