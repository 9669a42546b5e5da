import { isCollateral, type JournalRecord, type RecordType } from '@vigil/protocol'
import type { Manifest } from '../manifests/manifest.ts'
import { foldDelivery, foldTrigger } from './mailbox-fold.ts'
import { newProcessFold, type ProcessFold, type TurnFold } from './process-fold.ts'
import { commitWrites } from './state-fold.ts'
import { foldTurn } from './turn-fold.ts'

/** Every process by name. */
export type World = Map<string, ProcessFold>

type Of<T extends RecordType> = Extract<JournalRecord, { type: T }>

/**
 * Applies one record. Total and pure but for `world` itself: a record that names a process which is gone changes
 * nothing, because the order of the log decides and a removal may come first.
 */
export function applyRecord(world: World, record: JournalRecord): void {
  switch (record.type) {
    case 'runtime.started':
    case 'runtime.stopped':
    case 'journal.tail_truncated':
      return
    case 'process.deployed':
      return foldDeployed(world, record)
    case 'process.removed':
      world.delete(record.process)
      return
    case 'bus.published':
    case 'message.sent':
      return foldDelivery(world, record)
    default: {
      const process = world.get(record.process)
      if (process !== undefined) applyToProcess(process, record)
    }
  }
}

type OwnRecord = Exclude<
  JournalRecord,
  Of<
    | 'runtime.started'
    | 'runtime.stopped'
    | 'journal.tail_truncated'
    | 'process.deployed'
    | 'process.removed'
    | 'bus.published'
    | 'message.sent'
  >
>

function applyToProcess(process: ProcessFold, record: OwnRecord): void {
  switch (record.type) {
    case 'process.desired':
      process.desired = record.data.state
      if (record.data.state === 'running') {
        // Starting again is a person's word that the cause is mended: the counts begin anew.
        process.parked = undefined
        process.failures = 0
      }
      return
    case 'process.parked':
      process.parked = record.data.reason
      return
    case 'incarnation.started':
      process.epoch = record.epoch
      process.alive = true
      process.resting = false
      return
    case 'incarnation.exited':
      return foldExited(process, record)
    case 'incarnation.released':
      process.alive = false
      process.resting = true
      for (const id of record.data.turns) cut(process, id)
      return
    case 'agent.described':
      process.described = record.data.bundle
      return
    case 'trigger.accepted':
    case 'trigger.baseline':
    case 'trigger.armed':
      return foldTrigger(process, record)
    case 'state.patched':
      commitWrites(process, { set: record.data.set }, record.at, record.data.by)
      return
    default:
      return foldTurn(process, record)
  }
}

function foldDeployed(world: World, record: Of<'process.deployed'>): void {
  const manifest = record.data.manifest as unknown as Manifest
  let process = world.get(record.process)
  if (process === undefined) {
    process = newProcessFold(record.process, manifest, record.data.bundle)
    for (const [key, value] of Object.entries(manifest.context.initialState)) process.state.set(key, value)
    world.set(record.process, process)
  }
  process.revision = record.data.revision
  process.manifest = manifest
  process.bundle = record.data.bundle
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

/** The guest that worked on it is gone: the next one asks for every recorded outcome again. */
function cut(process: ProcessFold, id: string): TurnFold | undefined {
  const turn = process.turns.get(id)
  if (turn !== undefined) turn.cut = true
  return turn
}
