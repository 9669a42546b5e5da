import {
  type Clock,
  errorBody,
  errorCode,
  type HttpClient,
  type JournalRecord,
  limits,
  type ProcessName,
  type Random,
  type RecordDraft,
  type Timer,
  VigilError,
} from '@vigil/protocol'
import { waitLeft } from '../delivery/wait-left.ts'
import type { NoticeFold, ProcessFold } from '../fold/process-fold.ts'
import { credits } from '../gate/credits.ts'
import type { SecretReference } from '../manifests/manifest.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import { backoff } from '../supervision/backoff.ts'
import type { HookSecrets } from '../triggers/webhook/hook-secrets.ts'
import { schemes } from '../triggers/webhook/schemes.ts'
import { noticeMessage } from './wire.ts'

/**
 * Sends what is on record as to be told, until somebody takes it or it was tried often enough. A try whose end is not on record is
 * made again under the same id.
 */
export interface NoticeOutbox {
  /** Told of each durable record: whoever puts a notice on record has it sent. */
  heard(record: JournalRecord): void
  close(): void
}

export interface OutboxParts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly random: Random
  readonly http: Pick<HttpClient, 'send'>
  readonly secrets: Pick<HookSecrets, 'look'>
  /** Nobody takes a notice: said to whoever reads the log. */
  readonly lost: (process: string, message: string) => void
}

const retry = { baseMs: 2_000, maxMs: 3_600_000 }
const tryMs = 15_000
const replyBytes = 64_000
/** A receiver that hangs must not keep others from theirs for long. */
const atATime = 16

export function noticeOutbox({ log, clock, random, http, secrets, lost }: OutboxParts): NoticeOutbox {
  const { world } = log
  const ending = new AbortController()
  const timers = new Map<string, Timer>()
  const shared = credits(atATime)

  const find = (name: string, id: string) => {
    const process = world.get(name)
    const notice = process?.notices.get(id)
    return process === undefined || notice === undefined || notice.isLost ? undefined : { process, notice }
  }

  const secretOf = async (reference: string | SecretReference): Promise<string> => {
    if (typeof reference === 'string') return reference
    const found = await secrets.look(reference)
    if ('secret' in found && found.secret !== '') return found.secret
    throw new VigilError('WEBHOOK_NO_SECRET', 'problem' in found ? found.problem : 'it is empty')
  }

  const send = async ({ to, ...notice }: NoticeFold): Promise<number> => {
    const url = await secretOf(to.url)
    const key = to.secret === undefined ? undefined : schemes.standard.key(await secretOf(to.secret))
    if (to.format === 'standard' && key === undefined)
      throw new VigilError(
        'WEBHOOK_NO_SECRET',
        'the secret has not the form of the scheme standard (whsec_ and base64)',
      )
    const { headers, body } = noticeMessage(notice, to.format, { key, nowMs: clock.now() })
    if (!URL.canParse(url)) throw new VigilError('INVALID_ARGUMENT', 'expected a URL to send notices to, found none')
    // Whoever wrote the address into a manifest has allowed it, with its port, and so also in this network.
    const { hostname, port, protocol } = new URL(url)
    const allow = [`${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`]
    const { status } = await http.send(
      {
        ...{ method: 'POST', url, headers, body: new TextEncoder().encode(body) },
        ...{ timeoutMs: tryMs, maxBodyBytes: replyBytes, allow, repeatable: true },
      },
      ending.signal,
    )
    if (status < 200 || status > 299) throw new VigilError('FETCH_FAILED', `expected a status of 2xx, found ${status}`)
    return status
  }

  const attempt = async (name: string, id: string): Promise<void> => {
    const found = find(name, id)
    if (found === undefined || ending.signal.aborted) return
    const number = found.notice.failed + 1
    const end = await send(found.notice).then(
      (status): Ended => ({ type: 'notice.sent', data: { id, attempt: number, status } }),
      (error: unknown): Ended => ({ type: 'notice.failed', data: { id, attempt: number, ...failure(error, number) } }),
    )
    const present = find(name, id)
    if (present === undefined || ending.signal.aborted) return
    log.commit([record(present.process, end)])
    if (end.type === 'notice.failed' && end.data.retry_at === undefined)
      lost(name, `nobody took notice ${id} in ${number} tries and it is given up: ${end.data.error.message}`)
  }

  const failure = (thrown: unknown, number: number) => {
    // What is no error of ours may hold the address, which may be a secret.
    const error = errorBody(errorCode(thrown) === undefined ? new VigilError('FETCH_FAILED', 'it failed') : thrown)
    const inMs = backoff(retry, number - 1, random.next())
    return { error, ...(number >= limits.noticeTries ? {} : { retry_at: new Date(clock.now() + inMs).toISOString() }) }
  }

  const schedule = (name: string, id: string): void => {
    const found = find(name, id)
    const place = `${name} ${id}`
    timers.get(place)?.cancel()
    timers.delete(place)
    if (found === undefined || ending.signal.aborted) return
    const { retryAt } = found.notice
    const inMs = retryAt === undefined ? 0 : waitLeft(Date.parse(retryAt), retry.maxMs, clock.now())
    const begin = (): void => {
      timers.delete(place)
      shared.acquire(name, () => void attempt(name, id).finally(shared.release))
    }
    timers.set(place, clock.setTimer(inMs, begin))
  }

  for (const { name, notices } of world.values()) for (const id of notices.keys()) schedule(name, id)

  return {
    heard(record) {
      if (record.type === 'notice.queued' || record.type === 'notice.failed') schedule(record.process, record.data.id)
    },
    close() {
      ending.abort()
      for (const timer of timers.values()) timer.cancel()
      timers.clear()
    },
  }
}

type Ended = { [T in 'notice.sent' | 'notice.failed']: Pick<Extract<RecordDraft, { type: T }>, 'type' | 'data'> }[
  | 'notice.sent'
  | 'notice.failed']

const record = ({ name, epoch }: ProcessFold, end: Ended): RecordDraft =>
  ({ process: name as ProcessName, epoch, ...end }) as RecordDraft
