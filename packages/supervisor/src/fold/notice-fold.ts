import { type JournalRecord, limits, type RecordType } from '@vigil/protocol'
import type { NoticeTarget } from '../manifests/manifest.ts'
import type { ProcessFold } from './process-fold.ts'

type Of<T extends RecordType> = Extract<JournalRecord, { type: T }>

export function foldNoticeQueued(process: ProcessFold, { at, data }: Of<'notice.queued'>): void {
  const { id, event_type: eventType, text, data: content, to, request = '', paused } = data
  const asked = process.requests.get(request)
  if (asked !== undefined) process.requests.set(request, { ...asked, isTold: true })
  if (paused === true && process.budgetPause !== undefined)
    process.budgetPause = { ...process.budgetPause, told: 'yes' }
  if (to === undefined) return
  process.notices.set(id, { id, at, eventType, text, data: content, to: to as NoticeTarget, failed: 0 })
}

/** The way is open again: what was lost before has been seen by now, or will not be. */
export function foldNoticeSent(process: ProcessFold, { data }: Of<'notice.sent'>): void {
  process.notices.delete(data.id)
  for (const { id, isLost } of process.notices.values()) if (isLost) process.notices.delete(id)
}

export function foldNoticeFailed(process: ProcessFold, { data }: Of<'notice.failed'>): void {
  const notice = process.notices.get(data.id)
  if (notice === undefined) return
  const { error, attempt: failed, retry_at: retryAt } = data
  const { retryAt: _, ...rest } = notice
  process.notices.set(data.id, { ...rest, error, failed, ...(retryAt === undefined ? { isLost: true } : { retryAt }) })
  const lost = [...process.notices.values()].filter(({ isLost }) => isLost)
  for (const { id } of lost.slice(0, -limits.lostNotices)) process.notices.delete(id)
}
