import type { JournalRecord, RecordType } from '@vigil/protocol'
import type { Trigger } from '../manifests/manifest.ts'
import { triggerId } from '../triggers/event-id.ts'
import type { ProcessFold } from './process-fold.ts'
import { triggersOf, withoutTrigger, withTrigger } from './trigger-layers.ts'

type Of<T extends RecordType> = Extract<JournalRecord, { type: T }>

export function foldTriggerAdded(process: ProcessFold, { data }: Of<'trigger.added'>): void {
  process.overlay = withTrigger(process, data.trigger as unknown as Trigger)
  forgetAbsent(process)
}

export function foldTriggerRemoved(process: ProcessFold, { data }: Of<'trigger.removed'>): void {
  process.overlay = withoutTrigger(process, data.trigger_id)
  forgetAbsent(process)
}

/** A trigger that is gone counts anew when it comes back, and so do the slots of one that is off: they were not missed. */
export function forgetAbsent(process: ProcessFold): void {
  const there = new Set(triggersOf(process).map(triggerId))
  const { cronCounts, begun, baselines, taken } = process
  for (const byTrigger of [cronCounts, begun, baselines, taken])
    for (const id of byTrigger.keys()) if (!there.has(id)) byTrigger.delete(id)
  for (const id of process.cronFrom.keys()) if (!listens(process, id)) process.cronFrom.delete(id)
}

/** Trigger id of events that a person or program gives. */
export const manualTrigger = 'manual'

/** The process has the trigger, on or off. */
export const hasTrigger = (process: ProcessFold, id: string): boolean =>
  triggersOf(process).some((trigger) => triggerId(trigger) === id)

export const listens = (process: ProcessFold, id: string): boolean =>
  triggersOf(process).some((trigger) => trigger.enabled !== false && triggerId(trigger) === id)
