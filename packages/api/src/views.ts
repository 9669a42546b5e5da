import type {
  AcceptedView,
  ContextView,
  Conversation,
  DeadLetterView,
  DoubtView,
  EntryView,
  HookView,
  JournalRecord,
  ProcessView,
  RequestView,
  RuntimeStatusView,
  SecretView,
  TreeNodeView,
  TriggerView,
  TurnSummaryView,
  TurnView,
} from '@vigil/protocol'
import type {
  Accepted,
  DeadLetterSummary,
  Doubt,
  HookReply,
  OpenRequest,
  ProcessStatus,
  RecoveryReport,
  SecretStatus,
  TreeNode,
  TriggerStatus,
  TurnResult,
  TurnSummary,
} from '@vigil/supervisor'
import { budgetView } from './budget-views.ts'
import type { RuntimeSurface } from './runtime-surface.ts'

/**
 * The one place where the camelCase of the program becomes the snake_case of the wire. What users sent
 * (payloads, results, state, labels, record data) passes through untouched.
 */
export function processView(status: ProcessStatus): ProcessView {
  const { lastExit, stopBoundMs, vitals, counters, mailbox, triggers, budget, ...same } = status
  return {
    ...same,
    stop_bound_ms: stopBoundMs,
    ...(vitals === undefined
      ? {}
      : { vitals: { memory_mb: vitals.memoryMb, loop: vitals.loop, busy_ms: vitals.busyMs } }),
    ...(lastExit === undefined ? {} : { last_exit: lastExit }),
    counters: {
      accepted: counters.accepted,
      completed: counters.completed,
      dead_lettered: counters.deadLettered,
      cancelled: counters.cancelled,
      failures: counters.failures,
    },
    mailbox: {
      waiting: mailbox.waiting,
      open: mailbox.open,
      dead_letters: mailbox.deadLetters,
      ...(mailbox.waitingSince === undefined ? {} : { waiting_since: mailbox.waitingSince }),
      behind: mailbox.behind,
    },
    budget: budgetView(budget),
    triggers: triggers.map(triggerView),
  }
}

export function triggerView({ nextFire, lastEvent, lastFailure, ...same }: TriggerStatus): TriggerView {
  return {
    ...same,
    ...(nextFire === undefined ? {} : { next_fire: nextFire }),
    ...(lastEvent === undefined ? {} : { last_event: { at: lastEvent.at, event_id: lastEvent.eventId } }),
    ...(lastFailure === undefined ? {} : { last_failure: lastFailure }),
  }
}

export function secretView({ expiresAt, ttlMs, lastUse, ...same }: SecretStatus): SecretView {
  return {
    ...same,
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
    ...(ttlMs === undefined ? {} : { ttl_ms: ttlMs }),
    ...(lastUse === undefined ? {} : { last_use: lastUse }),
  }
}

export function treeNodeView(node: TreeNode): TreeNodeView {
  if (node.kind === 'agent') {
    const { periodMs, ...same } = node
    return { ...same, ...(periodMs === undefined ? {} : { period_ms: periodMs }) }
  }
  const { periodMs, autoShutdown, children, ...same } = node
  return { ...same, period_ms: periodMs, auto_shutdown: autoShutdown, children: children.map(treeNodeView) }
}

/** Full while nothing new is taken for want of room. */
export const diskView = (s: Pick<RuntimeSurface, 'space'>): 'ok' | 'full' => (s.space === 'open' ? 'ok' : 'full')

export function runtimeStatusView(s: RuntimeSurface): RuntimeStatusView {
  const states = s.list().map((agent) => agent.state)
  const byState: Record<string, number> = {}
  for (const state of states) byState[state] = (byState[state] ?? 0) + 1
  return {
    ready: s.ready,
    data: s.dataDir,
    disk: diskView(s),
    ...(s.damaged.length > 0 ? { damaged: s.damaged } : {}),
    processes: { total: states.length, by_state: byState },
    needs_attention: s
      .list()
      .flatMap((agent) => agent.status().attention.map((each) => ({ process: agent.name, ...each }))),
    recovery: recoveryView(s.report),
  }
}

function recoveryView(report: RecoveryReport): RuntimeStatusView['recovery'] {
  return {
    orphans_ended: report.orphansEnded,
    ...(report.tornTail === undefined ? {} : { torn_tail: report.tornTail }),
    processes: report.processes.map(({ name, checkpointAt, replayed, openTurns }) => ({
      name,
      ...(checkpointAt === undefined ? {} : { checkpoint_at: checkpointAt }),
      replayed,
      open_turns: openTurns,
    })),
    lost: report.lost,
    repeated: report.repeated,
    bodies_lost: report.bodiesLost,
    in_doubt: report.inDoubt,
  }
}

export const acceptedView = ({ eventId, accepted, duplicate }: Accepted): AcceptedView => ({
  event_id: eventId,
  accepted,
  duplicate,
})

export function hookView(reply: HookReply): HookView {
  if (!('eventId' in reply)) return reply
  const { eventId, eventIds, ...same } = reply
  return { event_id: eventId, ...same, ...(eventIds === undefined ? {} : { event_ids: eventIds }) }
}

export const turnView = ({ eventId, ...rest }: TurnResult): TurnView => ({ event_id: eventId, ...rest })

export const turnSummaryView = ({ eventId, ...same }: TurnSummary): TurnSummaryView => ({ event_id: eventId, ...same })

export const deadLetterView = ({ eventId, ...same }: DeadLetterSummary): DeadLetterView => ({
  event_id: eventId,
  ...same,
})

export const doubtView = ({ eventId, ...same }: Doubt): DoubtView => ({ event_id: eventId, ...same })

export const requestView = ({ eventId, onTimeout, inputHash, ...same }: OpenRequest): RequestView => ({
  ...same,
  event_id: eventId,
  on_timeout: onTimeout,
  input_hash: inputHash,
})

export const entryView = ({ n, at, type, turn, data }: JournalRecord): EntryView => ({
  n,
  at,
  type,
  ...(turn === undefined ? {} : { turn }),
  data,
})

export const contextView = ({
  state,
  conversation: { summary, messages },
}: {
  readonly state: ContextView['state']
  readonly conversation: Conversation
}): ContextView => ({ state, conversation: { summary, messages } })
