import type { AcceptedEvent } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { Trigger } from '../manifests/manifest.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { Accepted, Refused } from '../surface.ts'
import { triggerId } from '../triggers/event-id.ts'
import { fits } from '../triggers/trigger-filter.ts'
import { accept, type Offer } from './accept.ts'

/**
 * Decides about an event before it is anybody's: what its trigger does not take leaves no record, only a count, and what
 * it takes is accepted. Events that a person or program gives have no trigger and go to `accept` at once.
 */
export async function intake(
  log: RecordLog,
  process: ProcessFold,
  { trigger, ...offer }: Offer & { readonly trigger: Trigger },
): Promise<Accepted | Refused> {
  const reason = refusal(process, trigger, () => offer.event)
  return reason === undefined ? await accept(log, process, offer) : { accepted: false, reason }
}

/** Why the trigger does not take an event, which is then counted; `event` is as its receiver would see it. */
export function refusal(
  process: ProcessFold,
  trigger: Trigger,
  event: () => AcceptedEvent,
): Refused['reason'] | undefined {
  const reason = reasonAgainst(trigger, event)
  if (reason !== undefined) count(process, triggerId(trigger), reason)
  return reason
}

function reasonAgainst(trigger: Trigger, event: () => AcceptedEvent): Refused['reason'] | undefined {
  if (trigger.enabled === false) return 'disabled'
  return fits(trigger, event) ? undefined : 'filter'
}

/** How many events a trigger has refused since ring 0 started, by reason. */
export type Refusals = { readonly [R in Refused['reason']]?: number }

const counts = new WeakMap<ProcessFold, Map<string, Refusals>>()

export const refusalsOf = (process: ProcessFold, id: string): Refusals | undefined => counts.get(process)?.get(id)

function count(process: ProcessFold, id: string, reason: Refused['reason']): void {
  const ofProcess = counts.getOrInsertComputed(process, () => new Map())
  const before = ofProcess.get(id)
  ofProcess.set(id, { ...before, [reason]: (before?.[reason] ?? 0) + 1 })
}
