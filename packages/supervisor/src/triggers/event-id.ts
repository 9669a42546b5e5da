import { hash } from 'node:crypto'
import type { EventId, FileChange } from '@vigil/protocol'
import type { Trigger } from '../manifests/manifest.ts'

/**
 * Names that follow from what they name, so that a crash between deciding and remembering cannot make a
 * second event of the first: the same slot, file version or trigger has the same id on every machine.
 */

const digest = (parts: readonly unknown[], length: number): string =>
  hash('sha256', JSON.stringify(parts)).slice(0, length)

/** Triggers of a deployed manifest never change, and a publish asks for the ids of all subscribers. */
const known = new WeakMap<Trigger, string>()

/**
 * The id of a trigger inside its process: a hash of what it listens to. How it listens (debounce, what to do
 * with existing files) is left out, so that tuning a trigger keeps its baseline and its dedupe keys.
 */
export function triggerId(trigger: Trigger): string {
  const found = known.get(trigger)
  if (found !== undefined) return found
  const id = `${trigger.type === 'custom' ? trigger.kind : trigger.type}-${digest(identity(trigger), 12)}`
  known.set(trigger, id)
  return id
}

function identity(trigger: Trigger): readonly unknown[] {
  switch (trigger.type) {
    case 'cron':
      return ['cron', trigger.cronExpression, trigger.timezone]
    case 'file_watch':
      return [
        'file_watch',
        trigger.watchPath,
        [...trigger.watchPatterns].sort(),
        [...trigger.events].sort(),
        trigger.recursive,
      ]
    case 'webhook':
      return ['webhook', trigger.webhookPath]
    case 'custom':
      return ['custom', trigger.kind, trigger.options]
    case 'event':
      return ['event', trigger.eventType, trigger.source ?? null]
    case 'message':
      // Schemas tell apart whose content each of them takes.
      return [
        'message',
        trigger.from ?? null,
        trigger.topic ?? null,
        ...(trigger.schema === undefined ? [] : [trigger.schema]),
      ]
  }
}

/** The id of the event of one cron slot; `slotIso` as `Date.toISOString` writes it. */
export function slotEventId(process: string, trigger: string, slotIso: string): EventId {
  return digest(['slot', process, trigger, slotIso], 32) as EventId
}

/** A number from 0 to 1 that belongs to a slot: its share of the jitter. */
export function slotFraction(process: string, trigger: string, slotIso: string): number {
  return Number.parseInt(digest(['jitter', process, trigger, slotIso], 8), 16) / 2 ** 32
}

/** Dedupe key of one version of a file: the same bytes at the same place are told once. */
export function fileDedupeKey(change: FileChange): string {
  return digest([change.path, change.size, change.mtimeMs, change.inode, change.kind], 32)
}

/** The id of the event of one version of a file, from its dedupe key. */
export function fileEventId(process: string, trigger: string, key: string): EventId {
  return digest(['file', process, trigger, key], 32) as EventId
}

/** The id of an event that came under a key. */
export function keyedEventId(process: string, trigger: string, key: string): EventId {
  return digest(['key', process, trigger, key], 32) as EventId
}
