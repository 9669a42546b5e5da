import { type Json, type MachineFacts, type ProcessName, VigilError } from '@vigil/protocol'
import { type Attention, attentionOf } from './attention.ts'
import { accept } from './delivery/accept.ts'
import { jsonOf } from './delivery/json-of.ts'
import type { DeadLetter, ProcessFold } from './fold/process-fold.ts'
import { requestsOf, requestWords } from './fold/request-fold.ts'
import { manualTrigger } from './fold/trigger-fold.ts'
import { waitingEvents } from './fold/waiting-lines.ts'
import { tierOf } from './isolation/tier.ts'
import { budgetStatus } from './ledger/budget-status.ts'
import { changeBudget, grantBudget } from './ledger/change-budget.ts'
import { readTrigger } from './manifests/trigger.ts'
import { keyAttention } from './models/key-wait.ts'
import { discard, redeliver } from './operations/dead-letters.ts'
import { historyOf } from './operations/history.ts'
import { forgetMemory, readMemory } from './operations/memory.ts'
import { listRequests } from './operations/requests.ts'
import { addTrigger, driftOf, fireTrigger, removeTrigger } from './operations/triggers.ts'
import { turnSpend } from './operations/turn-spend.ts'
import { cancelTurn, listTurns } from './operations/turns.ts'
import { writeRefusal } from './processes/state-commit.ts'
import type { Member } from './runtime/member.ts'
import type { Ports } from './runtime/ports.ts'
import type { Runtime } from './runtime/runtime.ts'
import type { ServerStatus } from './servers/servers.ts'
import type {
  Accepted,
  AgentHandle,
  DeadLetterSummary,
  EnqueueOptions,
  ProcessStatus,
  StateHistoryEntry,
} from './surface.ts'
import { triggerId } from './triggers/event-id.ts'

const defaultPage = 100

type Parts = Pick<Ports, 'clock' | 'random' | 'machine' | 'cells' | 'guestRuntime'>

export function agentHandle(runtime: Runtime, name: string, ports: Parts, by: string): AgentHandle {
  const { clock, random, machine } = ports
  const history = historyOf(runtime, ports, by)
  const member = (): Member => {
    const found = runtime.members.get(name)
    if (found === undefined)
      throw new VigilError(
        'PROCESS_NOT_FOUND',
        `there is no process "${name}"; there are: ${[...runtime.members.keys()].join(', ') || 'none'}`,
      )
    return found
  }

  const enqueue = async (payload: unknown, options: EnqueueOptions = {}): Promise<Accepted> => {
    const { fold } = member().process
    if (fold.desired === 'stopped')
      throw new VigilError('INVALID_STATE', `"${name}" is stopped and takes no events; start it first`)
    const body = jsonOf(payload ?? null)
    const event = {
      event_id: random.uuid(),
      trigger_id: manualTrigger,
      type: 'manual' as const,
      timestamp: new Date(clock.now()).toISOString(),
      payload: body,
      metadata: { by },
    }
    const key = options.idempotencyKey
    return await accept(runtime.log, fold, key === undefined ? { event } : { event, key, body })
  }

  return {
    name,
    get state() {
      return member().process.state
    },
    async run(payload, options = {}) {
      const { eventId } = await enqueue(payload, options)
      const end = await runtime.results.of(name, eventId, options)
      if (end.status === 'completed') return end.result
      if (end.status === 'cancelled') {
        const message = `the turn of event ${eventId} was cancelled: ${end.reason}`
        throw new VigilError('TURN_CANCELLED', message, { details: { event_id: eventId } })
      }
      throw Object.assign(
        new VigilError('TURN_FAILED', end.error.message, { details: { event_id: eventId, error: end.error } }),
        { cause: end.error },
      )
    },
    enqueue,
    result: (eventId, options) => runtime.results.of(name, eventId, options),
    status: () =>
      statusOf(member(), {
        machine,
        nowMs: clock.now(),
        missing: [
          ...runtime.secrets.attention(member().process.fold),
          ...keyAttention(runtime.catalog, member().process.fold.manifest),
        ],
        servers: runtime.servers.status(member().process.fold),
      }),
    start: () => member().process.start(by),
    stop: () => member().process.stop(by),
    restart: () => member().process.restart(by),
    suspend: () => running(member(), () => member().process.suspend(by)),
    resume: () => member().process.resume(by),
    remove: () => runtime.remove(name, by),
    async purge() {
      member()
      return await runtime.purge(name)
    },
    turns: (query = {}) => listTurns(runtime.log, member().process, query),
    cancel: (turn, reason = 'cancelled') => cancelTurn(runtime.log, member().process, turn, { by, reason }),
    rewind: (to, { dryRun = true } = {}) => history.rewind(member(), to, dryRun),
    async fork(to, at) {
      await history.fork(member(), to, at)
      return agentHandle(runtime, to, ports, by)
    },
    replay: (turn) => history.replay(member(), turn),
    async requests() {
      const open = listRequests(runtime.log.world, { process: member().process.fold.name })
      await runtime.log.settled()
      return open
    },
    async deadLetters() {
      const letters = member().process.fold.deadLetters.map(deadLetterSummary)
      await runtime.log.settled()
      return letters
    },
    async redeliver(eventIds) {
      const { process } = member()
      const ids = await redeliver({ log: runtime.log, clock, random }, process.fold, { eventIds, by })
      process.pump()
      return ids
    },
    discard: (eventIds) => discard(runtime, member().process.fold, { eventIds, by }),
    changeBudget: (patch, { ifRevision } = {}) =>
      changeBudget(runtime.log, member().process.fold, { patch, by, ifRevision }),
    grantBudget: (usd) => grantBudget(runtime.log, member().process.fold, { usd, by }),
    async turnSpend(turn) {
      member()
      await runtime.log.settled()
      return await turnSpend(runtime.log.journal, name, turn)
    },
    async triggers() {
      const found = member().triggers.describe()
      await runtime.log.settled()
      return found
    },
    async addTrigger(given) {
      const own = member()
      const trigger = readTrigger(given, runtime.triggerTypes)
      const added = addTrigger(runtime.log, own.process.fold, trigger, by)
      // It listens to the world as it is folded now, which the log has in this order.
      runtime.arm(name)
      await added
      const status = own.triggers.describe().find(({ id }) => id === triggerId(trigger))
      if (status === undefined) throw new VigilError('TRIGGER_NOT_FOUND', 'somebody took the trigger away meanwhile')
      return status
    },
    async removeTrigger(id) {
      const removed = removeTrigger(runtime.log, member().process.fold, id, by)
      runtime.arm(name)
      await removed
    },
    fire: (id, payload = null) =>
      fireTrigger({ log: runtime.log, clock, random }, member().process.fold, { id, payload, by }),
    async secrets() {
      const found = runtime.secrets.list(member().process.fold)
      await runtime.log.settled()
      return found
    },
    setSecret: (key, bytes, { ttl, by: who = by } = {}) =>
      runtime.secrets.set(member().process.fold, key, { bytes, by: who, ttl }),
    revokeSecrets: (key, who = by) => runtime.secrets.revoke(member().process.fold, who, key),
    revealSecret: (key, who = by) => runtime.secrets.reveal(member().process.fold, key, who),
    memory: (query = {}) => readMemory(runtime, member().process.fold, query),
    forgetMemory: (id, who = by) => forgetMemory(runtime, member().process.fold, { id, by: who }),
    async journal(query = {}) {
      member()
      await runtime.log.settled()
      return await runtime.log.journal.page({ limit: defaultPage, ...query, process: name })
    },
    async context() {
      const { fold } = member().process
      const { conversation } = fold
      const state = Object.fromEntries(fold.state) as Readonly<Record<string, Json>>
      await runtime.log.settled()
      return { state, conversation }
    },
    async stateHistory(key) {
      const changes = member().process.fold.stateHistory.get(key) ?? []
      await runtime.log.settled()
      return changes as readonly StateHistoryEntry[]
    },
    async patchContext(state) {
      const { fold, life } = member().process
      const refused = writeRefusal(fold, { set: state }, [])
      if (refused !== undefined) throw new VigilError('TOO_LARGE', refused.message)
      await runtime.log.commitDurably([
        { process: name as ProcessName, epoch: fold.epoch, type: 'state.patched', data: { set: jsonOf(state), by } },
      ])
      life?.stateChanged(Object.keys(state))
    },
  }
}

function running(member: Member, act: () => Promise<void>): Promise<void> {
  const { state } = member.process
  if (state === 'stopped' || state === 'failed') {
    return Promise.reject(
      new VigilError('INVALID_STATE', `"${member.process.fold.name}" is ${state}; only what runs can be suspended`),
    )
  }
  return act()
}

function statusOf(
  { process, triggers }: Member,
  {
    machine,
    nowMs,
    missing,
    servers,
  }: {
    readonly machine: MachineFacts
    readonly nowMs: number
    readonly missing: Attention[]
    readonly servers: readonly ServerStatus[]
  },
): ProcessStatus {
  const { fold, life } = process
  const { isolation, guarantee, stopBoundMs } = tierOf(fold.manifest, machine)
  return {
    name: fold.name,
    state: process.state,
    labels: fold.manifest.labels,
    revision: fold.revision,
    epoch: fold.epoch,
    ...(fold.manifest.thinking === undefined ? {} : { model: fold.manifest.thinking.model }),
    isolation,
    guarantee,
    stopBoundMs,
    residency: process.residency,
    ...(life?.pid === undefined ? {} : { pid: life.pid }),
    ...(life?.vitals === undefined ? {} : { vitals: life.vitals }),
    restarts: fold.restarts,
    ...(fold.lastExit === undefined ? {} : { lastExit: fold.lastExit }),
    ...(fold.parked === undefined ? {} : { parked: fold.parked }),
    budget: budgetStatus(fold, nowMs),
    counters: {
      accepted: fold.accepted,
      completed: fold.completed,
      deadLettered: fold.deadLettered,
      cancelled: fold.cancelled,
      failures: fold.failures,
    },
    mailbox: mailboxOf(fold),
    attention: [...attentionOf(fold), ...missing],
    triggers: triggers.describe(),
    drift: driftOf(fold),
    servers,
  }
}

function mailboxOf(fold: ProcessFold): ProcessStatus['mailbox'] {
  const open = [...fold.turns.values()]
  const taken = open.reduce((sum, { eventIds }) => sum + eventIds.length, 0)
  const oldest = waitingEvents(fold).next().value
  return {
    waiting: fold.mailbox.size - taken,
    open: open.length,
    deadLetters: fold.deadLetters.length,
    ...(oldest === undefined ? {} : { waitingSince: oldest.timestamp }),
    behind: open.flatMap(({ turn, parked, suspended, retry }) => {
      if (parked !== undefined) return [{ turn, why: `waits for a person since ${parked.at}` }]
      if (suspended !== undefined) return [{ turn, why: `waits for ${requestWords(requestsOf(fold, turn))}` }]
      return retry === undefined ? [] : [{ turn, why: `is tried again at ${retry.at}` }]
    }),
  }
}

const deadLetterSummary = ({ at, event, attempts, reason, error }: DeadLetter): DeadLetterSummary => ({
  eventId: event.event_id,
  at,
  reason,
  attempts,
  error,
  trigger: event.trigger_id,
  type: event.type,
  payload: event.payload as Json,
})
