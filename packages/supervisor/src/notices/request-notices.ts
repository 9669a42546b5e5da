import {
  type Clock,
  type JournalRecord,
  limits,
  type ProcessName,
  type Random,
  type RecordDraft,
} from '@vigil/protocol'
import { subscribers } from '../delivery/routing.ts'
import type { ProcessFold, RequestFold } from '../fold/process-fold.ts'
import type { NoticeTarget } from '../manifests/manifest.ts'
import type { RecordLog } from '../runtime/record-log.ts'

/**
 * Tells people of each request, and once more when it is escalated: by the webhook of the manifest or of the fleet, and on the bus. What an
 * earlier ring 0 did not come to tell is told at the start.
 */
export interface RequestNotices {
  /** Told of each durable record. */
  heard(record: JournalRecord): void
}

export function requestNotices(
  { log, clock, random }: { readonly log: RecordLog; readonly clock: Clock; readonly random: Random },
  fleet: NoticeTarget | undefined,
): RequestNotices {
  const { world } = log

  const tell = (process: ProcessFold, open: RequestFold): void => {
    const notice = noticeOf(process, open)
    const target = process.manifest.approval?.notify ?? fleet
    const isRoom = process.notices.size < limits.waitingNotices
    const to = target === undefined || !isRoom ? {} : { to: { ...target } }
    const author = { process: process.name as ProcessName, epoch: process.epoch }
    log.commit([{ ...author, type: 'notice.queued', data: { ...notice, ...to } }, ...onTheBus(notice, process, open)])
  }

  /** What was asked is for those who decide: the bus says only that somebody should. */
  const onTheBus = (
    { event_type }: Notice,
    { name: process }: ProcessFold,
    { id, kind, turn, deadline }: RequestFold,
  ): RecordDraft[] => {
    const publication = {
      event_id: random.uuid(),
      topic: `vigil.${event_type}`,
      data: { id, process, kind, turn, deadline },
      source: 'vigil',
      timestamp: new Date(clock.now()).toISOString(),
    }
    const deliveries = subscribers(world, publication)
    const data = { ...publication, deliveries }
    return deliveries.length === 0
      ? []
      : [{ process: '@runtime' as ProcessName, epoch: 0, type: 'bus.published', data }]
  }

  for (const process of world.values())
    for (const open of process.requests.values()) if (open.isTold !== true) tell(process, open)

  return {
    heard({ process: name, type, data }) {
      if (type !== 'request.opened' && type !== 'request.expired') return
      const process = world.get(name)
      const open = process?.requests.get(data.id)
      if (process !== undefined && open !== undefined && open.isTold !== true) tell(process, open)
    },
  }
}

type Notice = Extract<RecordDraft, { type: 'notice.queued' }>['data']

function noticeOf(
  { name: process }: ProcessFold,
  { id, kind, turn, at, deadline, asked, onTimeout: on_timeout, isEscalated }: RequestFold,
): Notice {
  const { action, question, tool, details, input } = asked as Readonly<Record<string, unknown>>
  const more = details ?? input
  const words = `${question ?? action ?? tool ?? kind}${more === undefined ? '' : ` ${JSON.stringify(more)}`}`
  const verb = kind === 'question' ? `vigil answer ${id} TEXT` : `vigil approve ${id}, or vigil deny ${id}`
  const late = isEscalated ? ' Nobody has decided in time.' : ''
  return {
    id: `notice_${id}_${isEscalated ? 'escalated' : 'opened'}`,
    event_type: `request.${isEscalated ? 'escalated' : 'opened'}`,
    text: `${process} asks: ${words}\n${verb} until ${deadline}, then: ${on_timeout}.${late}`,
    data: { id, process, kind, turn, at, deadline, on_timeout, asked },
    request: id,
  }
}
