import { basename } from 'node:path'
import { type FileChange, type FileWatch, type ProcessName, VigilError } from '@vigil/protocol'
import { intake } from '../delivery/intake.ts'
import type { Trigger } from '../manifests/manifest.ts'
import type { ArmedTrigger, TriggerParts } from './armed-trigger.ts'
import { fileDedupeKey, fileEventId, triggerId } from './event-id.ts'
import { compareScan, type FileBaseline, fileKey } from './file-baseline.ts'

/**
 * Delivers each version of each file once. The baseline in the fold is the truth: what came while nobody looked
 * is the difference between it and a scan; the watcher only tells sooner.
 */
export function fileTrigger(parts: TriggerParts, trigger: Extract<Trigger, { type: 'file_watch' }>): ArmedTrigger {
  const { log, clock, watcher, process } = parts
  const id = triggerId(trigger)
  const spec = {
    directory: trigger.watchPath,
    patterns: trigger.watchPatterns,
    recursive: trigger.recursive,
    stableMs: trigger.debounceMs,
  }
  let watch: FileWatch | undefined
  let closed = false

  const baseline = (): FileBaseline => process.baselines.get(id) ?? new Map()
  const note = (files: readonly (readonly [string, string])[], removed: readonly string[]): void => {
    const data = {
      trigger_id: id,
      files: files.map(([path, key]): [string, string] => [path, key]),
      removed: [...removed],
    }
    log.commit([{ process: process.name as ProcessName, epoch: process.epoch, type: 'trigger.baseline', data }])
  }

  const deliver = async (change: FileChange): Promise<void> => {
    const { path, size, kind } = change
    const payload = {
      path,
      filename: basename(path),
      event_type: kind,
      size,
      mtime: new Date(change.mtimeMs).toISOString(),
    }
    const metadata = {
      watch_path: trigger.watchPath,
      pattern: trigger.watchPatterns.join(' '),
      version: fileKey(change),
    }
    const key = fileDedupeKey(change)
    const event = {
      event_id: fileEventId(process.name, id, key),
      trigger_id: id,
      type: 'file_watch' as const,
      timestamp: new Date(clock.now()).toISOString(),
      payload,
      metadata,
    }
    const { accepted } = await intake(log, process, { trigger, event, key })
    // Compared once: what is not taken now is not looked at again until it changes.
    if (!accepted) kind === 'deleted' ? note([], [path]) : note([[path, fileKey(change)]], [])
  }

  /** Takes what `found` adds to `seen`; what is not delivered is noted, so that it is compared only once. */
  const take = async (seen: FileBaseline, found: readonly FileChange[]): Promise<void> => {
    if (closed) return
    const difference = compareScan(seen, found, trigger.events)
    const told = new Set(difference.deliver.map((change) => change.path))
    const silent = difference.set.filter(([path]) => !told.has(path))
    const gone = difference.removed.filter((path) => !told.has(path))
    if (silent.length + gone.length > 0) note(silent, gone)
    for (const change of difference.deliver) await deliver(change)
    if (difference.overflow > 0)
      parts.failed(
        new VigilError(
          'TOO_LARGE',
          `${difference.overflow} files in ${trigger.watchPath} are beyond what a trigger can remember`,
        ),
      )
  }

  const heard = (change: FileChange): Promise<void> => {
    const seen = baseline().get(change.path)
    return take(new Map(seen === undefined ? [] : [[change.path, seen]]), change.kind === 'deleted' ? [] : [change])
  }

  const open = async (): Promise<void> => {
    if (!process.baselines.has(id)) {
      const standing = trigger.existing === 'ignore' ? await watcher.scan(spec) : []
      if (closed) return
      note(
        standing.map((file) => [file.path, fileKey(file)]),
        [],
      )
    }
    watch = await watcher.watch(spec, (change) => void heard(change).catch(parts.failed), parts.failed)
    // Only after the watcher listens: what came between the last life and now is found here.
    if (!closed) await take(baseline(), await watcher.scan(spec))
  }
  const opened = open().catch(parts.failed)

  return {
    nextFire: () => undefined,
    async close() {
      closed = true
      await opened
      await watch?.close()
    },
  }
}
