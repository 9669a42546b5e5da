import {
  type Clock,
  type JournalRecord,
  type Json,
  limits,
  type ProcessName,
  type Random,
  type RecordDraft,
} from '@vigil/protocol'
import { subscribers } from '../delivery/routing.ts'
import type { BudgetPause, ProcessFold, RequestFold } from '../fold/process-fold.ts'
import { budgetOf } from '../fold/purse-fold.ts'
import type { NoticeTarget } from '../manifests/manifest.ts'
import type { RecordLog } from '../runtime/record-log.ts'

/**
 * Tells people of each request, once more when it is escalated, and of each budget that has no room and says so: by the webhook of the
 * manifest or of the fleet, and on the bus. What an earlier ring 0 did not come to tell is told at the start.
 */
export interface PeopleNotices {
  /** Told of each durable record. */
  heard(record: JournalRecord): void
}

export function peopleNotices(
  { log, clock, random }: { readonly log: RecordLog; readonly clock: Clock; readonly random: Random },
  fleet: NoticeTarget | undefined,
): PeopleNotices {
  const { world } = log

  /** `content` is for those who decide: the bus says only that somebody should. */
  const tell = (process: ProcessFold, notice: Notice, { content, target }: Receivers): void => {
    const isRoom = process.notices.size < limits.waitingNotices
    const to = target === undefined || !isRoom ? {} : { to: { ...target } }
    const author = { process: process.name as ProcessName, epoch: process.epoch }
    const publication = {
      event_id: random.uuid(),
      topic: `vigil.${notice.event_type}`,
      data: content,
      source: 'vigil',
      timestamp: new Date(clock.now()).toISOString(),
    }
    const deliveries = subscribers(world, publication)
    const published = { ...publication, deliveries }
    const runtime = { process: '@runtime' as ProcessName, epoch: 0 }
    log.commit([
      { ...author, type: 'notice.queued', data: { ...notice, ...to } },
      ...(deliveries.length === 0 ? [] : [{ ...runtime, type: 'bus.published' as const, data: published }]),
    ])
  }

  const tellOfRequest = (process: ProcessFold, open: RequestFold): void => {
    if (open.isTold === true) return
    const { id, kind, turn, deadline } = open
    const content = { id, process: process.name, kind, turn, deadline }
    tell(process, requestNotice(process, open), { content, target: process.manifest.approval?.notify ?? fleet })
  }

  const tellOfBudget = (process: ProcessFold): void => {
    const { budgetPause: pause } = process
    if (pause?.told !== 'not_yet') return
    const { eventType, ...own } = budgetOf(world.get(pause.owner) ?? process).escalation ?? {}
    const target = 'url' in own ? own : (process.manifest.approval?.notify ?? fleet)
    const notice = budgetNotice(process, pause, eventType)
    tell(process, notice, { content: notice.data as Json, target })
  }

  for (const process of world.values()) {
    for (const open of process.requests.values()) tellOfRequest(process, open)
    tellOfBudget(process)
  }

  return {
    heard({ process: name, type, data }) {
      const process = world.get(name)
      if (process === undefined) return
      if (type === 'budget.exceeded') return tellOfBudget(process)
      if (type !== 'request.opened' && type !== 'request.expired') return
      const open = process.requests.get(data.id)
      if (open !== undefined) tellOfRequest(process, open)
    },
  }
}

interface Receivers {
  readonly content: Json
  readonly target: NoticeTarget | undefined
}

type Notice = Extract<RecordDraft, { type: 'notice.queued' }>['data']

function requestNotice(
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

function budgetNotice(
  { name: process }: ProcessFold,
  { at, owner, per, kind, until }: BudgetPause,
  eventType = 'budget.exceeded',
): Notice {
  const when = until === undefined ? 'until somebody gives it more' : `until ${until}, or until somebody gives it more`
  const whose = owner === process ? 'its' : owner.startsWith('@') ? "the fleet's" : `${owner}'s`
  return {
    id: `notice_budget_${process}_${Date.parse(at)}`,
    event_type: eventType,
    text: `${process} waits for its budget: ${whose} ${per} has no room (${kind}). It waits ${when}.\nvigil budget ${owner} grant USD`,
    data: { process, owner, per, kind, at, ...(until === undefined ? {} : { until }) },
    paused: true,
  }
}
