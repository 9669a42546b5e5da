import { isCollateral, type JournalRecord, type RecordType } from '@vigil/protocol'
import { defaultAgentBudget, patchAfter } from '../ledger/agent-budget.ts'
import type { Manifest } from '../manifests/manifest.ts'
import { noConversation } from './conversation-fold.ts'
import { foldDiscarded } from './dead-letter-fold.ts'
import { foldAccepted, foldArmed, foldBaseline, foldDelivery, foldRedelivered, shiftDedupe } from './mailbox-fold.ts'
import { foldMemoryEmbedded, foldMemoryForgotten, foldMemoryStored } from './memory-fold.ts'
import { foldNoticeFailed, foldNoticeQueued, foldNoticeSent } from './notice-fold.ts'
import { newProcessFold, type ProcessFold, type TurnFold } from './process-fold.ts'
import {
  foldBudgetChanged,
  foldCharged,
  foldConfirmed,
  foldExceeded,
  foldGranted,
  foldLeap,
  foldRefunded,
  foldRepeated,
  foldReserved,
  foldRun,
  foldSpent,
  foldWarned,
} from './purse-fold.ts'
import { foldRequestDecided, foldRequestExpired, foldRequestOpened, withdrawRequests } from './request-fold.ts'
import { foldSecretRevoked, foldSecretRotated, foldSecretUsed, onSecretsOf } from './secret-fold.ts'
import { commitWrites, setState } from './state-fold.ts'
import { foldTriggerAdded, foldTriggerRemoved, forgetAbsent } from './trigger-fold.ts'
import { onManifest, triggersOf } from './trigger-layers.ts'
import {
  foldAttemptFailed,
  foldCancelled,
  foldCompleted,
  foldDeadLettered,
  foldDoubtResolved,
  foldEffectCompleted,
  foldEffectIntended,
  foldParked,
  foldRan,
  foldStarted,
  foldSuspended,
  shiftStarts,
  waitsForPerson,
} from './turn-fold.ts'

/** Every process by name. */
export type World = Map<string, ProcessFold>

type Of<T extends RecordType> = Extract<JournalRecord, { type: T }>
type Fold<T extends RecordType> = (world: World, record: Of<T>) => void

/** A record that names a process which is gone changes nothing: the order of the log decides, and a removal may come first. */
const own =
  <T extends RecordType>(fold: (process: ProcessFold, record: Of<T>) => void): Fold<T> =>
  (world, record) => {
    const process = world.get(record.process)
    if (process !== undefined) fold(process, record)
  }

/** The end of a turn, and of what it asked people for. */
const end = <T extends 'turn.completed' | 'turn.dead_lettered' | 'turn.cancelled'>(
  fold: (process: ProcessFold, record: Of<T>) => void,
): Fold<T> =>
  own((process, record) => {
    fold(process, record)
    withdrawRequests(process, record)
  })

/** Purses above its own are changed, too, where the process itself may be gone. */
const both =
  <T extends RecordType>(first: Fold<T>, second: Fold<T>): Fold<T> =>
  (world, record) => {
    first(world, record)
    second(world, record)
  }

/** It tells people, and changes nothing that is known. */
const untold = (): void => undefined

/**
 * What each record does to what is known, and with that what recovery brings back: whoever adds a record type has to say
 * here what it means, or the house does not compile.
 */
export const folds: { readonly [T in RecordType]: Fold<T> } = {
  'runtime.started': untold,
  'runtime.stopped': untold,
  'journal.tail_truncated': untold,
  'journal.damage_found': untold,
  'journal.disk_filled': untold,
  'journal.disk_freed': untold,
  'journal.body_lost': untold,
  'journal.record_lost': own((process, { epoch }) => foldLoss(process, epoch)),
  'journal.repaired': own((process, { epoch }) => foldLoss(process, epoch)),

  'clock.stepped': (world, record) => {
    const { data } = record
    foldLeap(world, record)
    for (const process of world.values()) {
      shiftDedupe(process, data.by_ms)
      shiftStarts(process, data.by_ms)
    }
  },

  'process.deployed': foldDeployed,
  'process.removed': (world, record) => void world.delete(record.process),
  'process.desired': own(foldDesired),
  'process.parked': own((process, { data }) => {
    process.parked = data.reason
  }),
  'incarnation.started': own((process, { epoch }) => {
    process.epoch = epoch
    process.alive = true
    process.resting = false
  }),
  'incarnation.exited': own(foldExited),
  'incarnation.released': own((process, { data }) => {
    process.alive = false
    process.resting = true
    for (const id of data.turns) cut(process, id)
  }),
  'agent.described': own((process, { data }) => {
    process.described = data.bundle
    process.tools = data.tools ?? []
  }),

  'server.listed': own((process, { data }) => {
    process.serverTools.set(data.server, data.tools)
  }),

  'trigger.accepted': own(foldAccepted),
  'trigger.added': own(foldTriggerAdded),
  'trigger.removed': own(foldTriggerRemoved),
  'trigger.baseline': own(foldBaseline),
  'trigger.armed': own(foldArmed),
  'bus.published': foldDelivery,
  'message.sent': foldDelivery,

  'state.patched': own((process, { at, data }) => commitWrites(process, { set: data.set }, { at, source: data.by })),
  'state.overwritten': untold,
  'state.rewound': own((process, { at, data }) => {
    commitWrites(process, { set: data.set, delete: data.delete }, { at, source: `rewind to ${data.to} by ${data.by}` })
    process.conversation = data.conversation ?? process.conversation
  }),
  'turn.started': both(foldRun, own(foldStarted)),
  'turn.ran': own(foldRan),
  'turn.attempt_failed': own(foldAttemptFailed),
  'turn.completed': end(foldCompleted),
  'turn.dead_lettered': end(foldDeadLettered),
  'turn.cancelled': end(foldCancelled),
  'turn.parked': own(foldParked),
  'notice.queued': own(foldNoticeQueued),
  'notice.sent': own(foldNoticeSent),
  'notice.failed': own(foldNoticeFailed),
  'turn.suspended': own(foldSuspended),
  'request.opened': own(foldRequestOpened),
  'request.decided': own(foldRequestDecided),
  'request.expired': own(foldRequestExpired),
  'doubt.resolved': both(foldRefunded, own(foldDoubtResolved)),
  'dead_letter.redelivered': own(foldRedelivered),
  'dead_letter.discarded': own(foldDiscarded),
  'effect.intended': both(foldReserved, own(foldEffectIntended)),
  'effect.repeated': foldRepeated,
  'effect.completed': both(foldSpent, own(foldEffectCompleted)),

  'clock.confirmed': foldConfirmed,
  'budget.changed': foldBudgetChanged,
  'budget.granted': own(foldGranted),
  'budget.warned': own(foldWarned),
  'budget.exceeded': own(foldExceeded),
  'budget.charged': foldCharged,
  'budget.resumed': own((process) => {
    process.budgetPause = undefined
  }),

  'secret.used': own(foldSecretUsed),
  'secret.rotated': own(foldSecretRotated),
  'secret.revoked': own(foldSecretRevoked),
  'secret.revealed': untold,

  'memory.stored': foldMemoryStored,
  'memory.embedded': foldMemoryEmbedded,
  'memory.forgotten': foldMemoryForgotten,
}

/** Applies one record. Total, and pure but for `world` itself. */
export function applyRecord(world: World, record: JournalRecord): void {
  const fold = folds[record.type] as Fold<RecordType>
  fold(world, record)
}

function foldDeployed(world: World, record: Of<'process.deployed'>): void {
  const manifest = record.data.manifest as unknown as Manifest
  let process = world.get(record.process)
  if (process === undefined) {
    process = newProcessFold(record.process, manifest, record.data.bundle)
    // Not 0 when the name is taken again: its lives are counted on.
    process.epoch = record.epoch
    for (const [key, value] of Object.entries(manifest.context.initialState)) setState(process, key, value)
    process.conversation = record.data.conversation ?? noConversation
    world.set(record.process, process)
  }
  process.revision = record.data.revision
  if (record.data.parent !== undefined) process.parent = record.data.parent
  const [before = defaultAgentBudget, after = defaultAgentBudget] = [process.manifest.budget, manifest.budget]
  process.budgetPatch = patchAfter(process.budgetPatch, before, after)
  const { manifest: old } = process
  process.manifest = manifest
  process.overlay = onManifest(process.overlay, manifest)
  onSecretsOf(process, old, triggersOf(process))
  forgetAbsent(process)
  forgetServers(process, old)
  process.bundle = record.data.bundle
}

/** Another address may be another server. */
function forgetServers({ manifest, serverTools }: ProcessFold, old: Manifest): void {
  for (const name of serverTools.keys())
    if (addressOf(manifest, name) !== addressOf(old, name)) serverTools.delete(name)
}

function addressOf({ servers = {} }: Manifest, name: string): string {
  const { tools: _, ...address } = servers[name] ?? {}
  return JSON.stringify(address)
}

function foldDesired(process: ProcessFold, { data }: Of<'process.desired'>): void {
  process.desired = data.state
  if (data.state !== 'running') return
  // Starting again is a person's word that the cause is mended: the counts begin anew.
  process.parked = undefined
  process.budgetPause = undefined
  process.failures = 0
}

function foldExited(process: ProcessFold, record: Of<'incarnation.exited'>): void {
  process.alive = false
  process.resting = false
  process.exitedEpoch = record.epoch
  process.lastExit = { at: record.at, cause: record.data.cause }
  if (record.data.restart_in_ms !== undefined) process.restarts += 1
  for (const id of record.data.turns) {
    const turn = cut(process, id)
    if (turn === undefined) continue
    turn.quarantined ||= isCollateral(record.data.cause)
    if (record.data.charged) turn.crashes += 1
  }
}

/**
 * The guest that worked on it is gone: the next one asks for every recorded outcome again. Undefined when none worked on it:
 * the attempt of a turn that waits for a person has ended, and the next begins anew.
 */
function cut(process: ProcessFold, id: string): TurnFold | undefined {
  const turn = process.turns.get(id)
  if (turn === undefined || waitsForPerson(turn)) return undefined
  turn.cut = true
  return turn
}

/** The start of a life may be among what is lost: its epoch may not be given again. */
function foldLoss(process: ProcessFold, epoch: number): void {
  process.epoch = Math.max(process.epoch, epoch)
}
