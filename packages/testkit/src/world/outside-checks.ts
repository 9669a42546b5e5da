import type { JournalRecord } from '@vigil/protocol'
import type { Deed } from './outside.ts'

/** What must hold between the log and the world outside, which remembers what was done to it. */
interface Sides {
  readonly log: readonly JournalRecord[]
  readonly done: readonly Deed[]
  readonly unannounced: readonly { readonly request: string; readonly life: number }[]
  /** The first record that each life was told of. */
  readonly firstSeqs: readonly (number | undefined)[]
}

interface Effect {
  readonly request: string
  readonly intendedAt: number
  succeeded: number
  failed: number
}

/**
 * No effect without an intent that was durable before it; what was recorded as done was done; and what may not be
 * repeated was done at most once, and once more for each failure on record, after which an attempt may try again.
 */
export function outsideViolations({ log, done, unannounced, firstSeqs }: Sides): string[] {
  const effects = effectsIn(log)
  const byRequest = new Map(effects.map((effect) => [effect.request, effect]))
  const broken: string[] = []
  const queuedAt = (request: string): number =>
    log.find((record) => record.type === 'notice.queued' && noticeRequest(record.data.to) === request)?.seq ??
    Number.POSITIVE_INFINITY
  for (const { request, life } of unannounced) {
    const effect = byRequest.get(request)
    if (queuedAt(request) < (firstSeqs[life] ?? Number.POSITIVE_INFINITY)) continue
    if (effect === undefined || effect.intendedAt >= (firstSeqs[life] ?? Number.POSITIVE_INFINITY))
      broken.push(`${request} went out before its intent was durable`)
  }
  const deeds = new Map<string, number>()
  const onceOnly = new Set<string>()
  for (const { method, url, once } of done) {
    const request = `${method} ${url}`
    deeds.set(request, (deeds.get(request) ?? 0) + 1)
    if (once) onceOnly.add(request)
  }
  const notices = new Set(log.map((record) => (record.type === 'notice.queued' ? noticeRequest(record.data.to) : '')))
  for (const request of deeds.keys())
    if (!byRequest.has(request) && !notices.has(request)) broken.push(`${request} was done and never intended`)
  for (const effect of effects) {
    const count = deeds.get(effect.request) ?? 0
    if (effect.succeeded > 0 && count === 0) broken.push(`${effect.request} is recorded as done and was not done`)
    if (onceOnly.has(effect.request) && count > 1 + effect.failed)
      broken.push(`${effect.request} may not be repeated and was done ${count} times`)
  }
  return broken
}

function effectsIn(log: readonly JournalRecord[]): Effect[] {
  const found = new Map<string, Effect>()
  for (const record of log) {
    if (record.type === 'effect.intended' && record.data.kind === 'fetch') {
      const { method, url } = record.data.input as { method: string; url: string }
      const name = `${record.process} ${record.turn} ${record.data.key}`
      const before = found.get(name)
      const fresh = { intendedAt: record.seq, succeeded: 0, failed: 0 }
      found.set(name, before ?? { request: `${method} ${url}`, ...fresh })
    } else if (record.type === 'effect.completed') {
      const effect = found.get(`${record.process} ${record.turn} ${record.data.key}`)
      if (effect === undefined) continue
      const { outcome } = record.data
      // An answer with status 500 is an outcome like any other; whoever gave it did nothing here.
      if (outcome.ok && (outcome.value as { status: number }).status < 500) effect.succeeded += 1
      if (!outcome.ok) effect.failed += 1
    }
  }
  return [...found.values()]
}

/** How a notice goes out, if its address is no secret. */
export const noticeRequest = (to: unknown): string => `POST ${(to as { readonly url?: unknown } | undefined)?.url}`
