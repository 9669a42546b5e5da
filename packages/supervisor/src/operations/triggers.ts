import { isDeepStrictEqual } from 'node:util'
import { type Clock, limits, type ProcessName, type Random, VigilError } from '@vigil/protocol'
import { intake } from '../delivery/intake.ts'
import type { ProcessFold } from '../fold/process-fold.ts'
import { triggersOf } from '../fold/trigger-layers.ts'
import type { Trigger } from '../manifests/manifest.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { Accepted, Drift, Refused } from '../surface.ts'
import { triggerId } from '../triggers/event-id.ts'
import { contentCheck } from '../triggers/message-schema.ts'

/** What operators do with the triggers of a process that is there: a layer of their own over those of its manifest. */
interface Parts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly random: Random
}

/** On record and folded when it returns; resolves when it is durable. */
export async function addTrigger(log: RecordLog, fold: ProcessFold, trigger: Trigger, by: string): Promise<void> {
  const id = triggerId(trigger)
  const own = fold.manifest.triggers.find((each) => triggerId(each) === id)
  const isOff = fold.overlay.off.includes(id)
  if (own !== undefined && !(isOff && isDeepStrictEqual(own, trigger)))
    throw exists(
      fold,
      id,
      isOff ? 'its manifest has it with other options, and only that one can be turned on' : 'its manifest has it',
    )
  if (fold.overlay.added.some((each) => triggerId(each) === id))
    throw exists(fold, id, 'it was added before; remove it first to add it with other options')
  if (own === undefined && fold.overlay.added.length >= limits.addedTriggers)
    throw new VigilError(
      'TOO_LARGE',
      `"${fold.name}" has ${fold.overlay.added.length} triggers beside those of its manifest, at most ${limits.addedTriggers} are taken`,
    )
  await log.commitDurably([
    { ...author(fold), type: 'trigger.added', data: { trigger_id: id, trigger: { ...trigger }, by } },
  ])
}

/** The same; one of the manifest is turned off. @throws TRIGGER_NOT_FOUND */
export async function removeTrigger(log: RecordLog, fold: ProcessFold, id: string, by: string): Promise<void> {
  find(fold, id)
  if (fold.overlay.off.includes(id)) return await log.settled()
  await log.commitDurably([{ ...author(fold), type: 'trigger.removed', data: { trigger_id: id, by } }])
}

/** An event of the trigger's type that a person made; filter, lanes and rate are those of the trigger. */
export async function fireTrigger(
  { log, clock, random }: Parts,
  fold: ProcessFold,
  { id, payload, by }: { readonly id: string; readonly payload: unknown; readonly by: string },
): Promise<Accepted | Refused> {
  const trigger = find(fold, id)
  if (fold.desired === 'stopped')
    throw new VigilError('INVALID_STATE', `"${fold.name}" is stopped and takes no events; start it first`)
  const misfit =
    trigger.type === 'message' ? contentCheck(trigger)((payload as { content?: unknown } | null)?.content) : undefined
  if (misfit !== undefined)
    throw new VigilError('PAYLOAD_INVALID', `"${fold.name}" takes what fits its schema: ${misfit}`)
  const event = {
    event_id: random.uuid(),
    trigger_id: id,
    type: trigger.type === 'custom' ? trigger.kind : trigger.type,
    timestamp: new Date(clock.now()).toISOString(),
    payload,
    metadata: { by },
  }
  return await intake(log, fold, { trigger, event })
}

/** Where what operators laid over the manifest makes the triggers others than it says. */
export function driftOf({ overlay }: ProcessFold): Drift[] {
  return [
    ...overlay.off.map((id): Drift => ({ path: `triggers.${id}`, change: 'off' })),
    ...overlay.added.map((trigger): Drift => ({ path: `triggers.${triggerId(trigger)}`, change: 'added' })),
  ]
}

function find(fold: ProcessFold, id: string): Trigger {
  const found = triggersOf(fold).find((trigger) => triggerId(trigger) === id)
  if (found !== undefined) return found
  const there = triggersOf(fold).map(triggerId).join(', ') || 'none'
  throw new VigilError('TRIGGER_NOT_FOUND', `"${fold.name}" has no trigger ${id}; there are: ${there}`)
}

const author = ({ name, epoch }: ProcessFold) => ({ process: name as ProcessName, epoch })

const exists = (fold: ProcessFold, id: string, why: string): VigilError =>
  new VigilError('ALREADY_EXISTS', `"${fold.name}" has the trigger ${id} already: ${why}`, {
    details: { trigger_id: id },
  })
