import { basename } from 'node:path'
import { type FileChange, type FileWatch, type ProcessName, type RecordDraft, VigilError } from '@vigil/protocol'
import { intake } from '../delivery/intake.ts'
import type { Trigger } from '../manifests/manifest.ts'
import { backoff } from '../supervision/backoff.ts'
import type { ArmedTrigger, TriggerParts } from './armed-trigger.ts'
import { fileDedupeKey, fileEventId, triggerId } from './event-id.ts'
import { compareScan, type FileBaseline, fileKey } from './file-baseline.ts'

/** Whoever could not be delivered for want of room, or not be looked at, is looked for again after so long. */
const waits = { baseMs: 1_000, maxMs: 60_000 }
/** So many share one flush of the log. */
const deliveredAtOnce = 64
const notedInOneRecord = 1_000

/**
 * Delivers each version of each file once. The baseline in the fold is the truth: what came while nobody looked
 * is the difference between it and a scan; the watcher only tells sooner.
 */
export function fileTrigger(parts: TriggerParts, trigger: Extract<Trigger, { type: 'file_watch' }>): ArmedTrigger {
  const { log, clock, random, watcher, process } = parts
  const id = triggerId(trigger)
  const spec = {
    directory: trigger.watchPath,
    patterns: trigger.watchPatterns,
    recursive: trigger.recursive,
    stableMs: trigger.debounceMs,
  }
  let watch: FileWatch | undefined
  let closed = false
  let isTroubled = false
  let wake = (): void => undefined
  let worry = (): void => undefined

  /** Ends early only when the trigger is closed. */
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (closed) return resolve()
      const timer = clock.setTimer(ms, resolve)
      wake = () => {
        timer.cancel()
        resolve()
      }
    })
  const troubled = (): Promise<void> =>
    new Promise((resolve) => {
      worry = resolve
      if (isTroubled || closed) resolve()
    })

  const baseline = (): FileBaseline => process.baselines.get(id) ?? new Map()
  /** In records of one batch: half a baseline would make the other half news. */
  const note = (files: readonly (readonly [string, string])[], removed: readonly string[]): void => {
    const author = { process: process.name as ProcessName, epoch: process.epoch, type: 'trigger.baseline' as const }
    const drafts: RecordDraft[] = []
    for (let at = 0; at === 0 || at < Math.max(files.length, removed.length); at += notedInOneRecord) {
      const part = <T>(all: readonly T[]): T[] => all.slice(at, at + notedInOneRecord)
      const pairs = part(files).map(([path, key]): [string, string] => [path, key])
      drafts.push({ ...author, data: { trigger_id: id, files: pairs, removed: part(removed) } })
    }
    log.commit(drafts)
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
    for (let at = 0; at < difference.deliver.length && !closed; at += deliveredAtOnce) {
      const ends = await Promise.allSettled(difference.deliver.slice(at, at + deliveredAtOnce).map(deliver))
      const failure = ends.find((end) => end.status === 'rejected')
      if (failure !== undefined) throw failure.reason
    }
    if (difference.overflow > 0) {
      const message = `${difference.overflow} files in ${trigger.watchPath} are beyond what a trigger can remember`
      throw new VigilError('TOO_LARGE', message)
    }
  }

  const heard = (change: FileChange): Promise<void> => {
    const seen = baseline().get(change.path)
    return take(new Map(seen === undefined ? [] : [[change.path, seen]]), change.kind === 'deleted' ? [] : [change])
  }

  /** Looks at everything, twice when there is news: what is still being written is left to the watch. */
  const compare = async (): Promise<void> => {
    const first = await watcher.scan(spec)
    const { set, removed, overflow } = compareScan(baseline(), first, trigger.events)
    if (closed || set.length + removed.length + overflow === 0) return
    await pause(spec.stableMs)
    const versions = new Map(first.map((file) => [file.path, fileKey(file)]))
    const seen = new Map(baseline())
    const second = await watcher.scan(spec)
    const standing = new Set(second.map((file) => file.path))
    // Out of sight for this look: neither new nor gone.
    const moving = second.filter((file) => versions.get(file.path) !== fileKey(file)).map((file) => file.path)
    moving.push(...first.map((file) => file.path).filter((path) => !standing.has(path)))
    for (const path of moving) seen.delete(path)
    const hidden = new Set(moving)
    await take(
      seen,
      second.filter((file) => !hidden.has(file.path)),
    )
  }

  const begin = async (): Promise<void> => {
    if (!process.baselines.has(id)) {
      const standing = trigger.existing === 'ignore' ? await watcher.scan(spec) : []
      if (closed) return
      note(
        standing.map((file) => [file.path, fileKey(file)]),
        [],
      )
      if (standing.length > 0)
        parts.tell(
          `${standing.length} files that stand in ${trigger.watchPath} already are not delivered (existing: ignore)`,
        )
    }
    watch ??= await watcher.watch(spec, (change) => void heard(change).catch(trouble), trouble)
  }

  /** Told once; the folder is compared again until all is taken. */
  const trouble = (error: Error): void => {
    if (isTroubled || closed) return
    isTroubled = true
    parts.failed(error)
    worry()
  }

  const follow = async (): Promise<void> => {
    for (let streak = 0; !closed; ) {
      try {
        await begin()
        isTroubled = false
        // Only after the watcher listens: what came between the last life and now is found here.
        await compare()
        streak = 0
        await troubled()
        streak = 1
      } catch (error) {
        if (streak === 0 && !closed) parts.failed(error as Error)
        streak += 1
        isTroubled = true
      }
      if (!closed) await pause(backoff(waits, streak - 1, random.next()))
    }
  }
  const followed = follow()

  return {
    nextFire: () => undefined,
    async close() {
      closed = true
      wake()
      worry()
      await followed
      await watch?.close()
    },
  }
}
