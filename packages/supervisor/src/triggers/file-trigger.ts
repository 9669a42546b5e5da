import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { FileChange, FileWatch, ProcessName } from '@vigil/protocol'
import { accept } from '../delivery/accept.ts'
import type { Trigger } from '../manifests/manifest.ts'
import type { ArmedTrigger, TriggerParts } from './armed-trigger.ts'
import { triggerId } from './event-id.ts'

/**
 * Delivers each version of each file once. The baseline in the fold is the truth: what came while nobody looked
 * is the difference between it and a scan; the watcher only tells sooner.
 */
export function fileTrigger(parts: TriggerParts, trigger: Extract<Trigger, { type: 'file_watch' }>): ArmedTrigger {
  const { log, clock, watcher, process } = parts
  const id = triggerId(trigger)
  const spec = { directory: trigger.watchPath, patterns: trigger.watchPatterns, recursive: trigger.recursive, stableMs: trigger.debounceMs }
  let watch: FileWatch | undefined
  let closed = false

  const known = (): ReadonlyMap<string, string> => process.baselines.get(id) ?? new Map()
  const note = (files: [string, string][]): void =>
    void log.commit([{ process: process.name as ProcessName, epoch: process.epoch, type: 'trigger.baseline', data: { trigger_id: id, files } }])

  const offer = async (change: FileChange): Promise<void> => {
    const version = versionOf(change)
    const before = known().get(change.path)
    if (closed || (change.kind === 'deleted' ? before === undefined : before === version)) return
    const kind = change.kind === 'deleted' ? 'deleted' : before === undefined ? 'created' : 'modified'
    if (!trigger.events.includes(kind)) {
      if (kind !== 'deleted') note([[change.path, version]])
      return
    }
    const { path, size } = change
    const mtime = new Date(change.mtimeMs).toISOString()
    const payload = { path, filename: basename(path), event_type: kind, size, mtime }
    const metadata = { watch_path: trigger.watchPath, pattern: trigger.watchPatterns.join(' ') }
    const event_id = createHash('sha256').update(`${process.name}\n${id}\n${kind}\n${path}\n${version}`).digest('hex').slice(0, 32)
    const event = { event_id, trigger_id: id, type: 'file_watch' as const, timestamp: new Date(clock.now()).toISOString(), payload, metadata }
    await accept(log, process, { event, key: `${kind} ${path} ${version}` })
  }

  const open = async (): Promise<void> => {
    if (!process.baselines.has(id)) {
      const standing = trigger.existing === 'ignore' ? await watcher.scan(spec) : []
      if (!closed) note(standing.map((file) => [file.path, versionOf(file)]))
    }
    if (closed) return
    watch = await watcher.watch(spec, (change) => void offer(change).catch(parts.failed), parts.failed)
    if (closed) return await watch.close()
    // Only after the watcher listens: what came between the last life and now is found here.
    for (const file of await watcher.scan(spec)) await offer(file)
    if (!trigger.events.includes('deleted')) return
    const standing = new Set((await watcher.scan(spec)).map((file) => file.path))
    for (const path of [...known().keys()]) {
      if (!standing.has(path)) await offer({ kind: 'deleted', path, size: 0, mtimeMs: 0, inode: 0 })
    }
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

/** Which version of a file this is: what was written there at that moment under that inode. */
const versionOf = (file: FileChange): string => `${file.size}-${Math.round(file.mtimeMs)}-${file.inode}`
