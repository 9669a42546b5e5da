import { realpath } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Clock, FileChange, FileWatch, FileWatcher, Timer, WatchSpec } from '@vigil/protocol'
import chokidar, { type FSWatcher } from 'chokidar'
import { isAbsent, scanDirectory, watchedPath } from './directory-scan.ts'
import { fileSettlement } from './file-settlement.ts'

/**
 * Watches folders. chokidar only says where to look; what happened follows from comparing the file that
 * stands there, once it has stood still, with the one that was known. So lost, doubled and misnamed events of
 * the platform (an atomic rename is an unlink and an add) all end in one true change.
 */
export function chokidarWatcher({ clock, open = chokidar.watch }: ChokidarWatcherOptions): FileWatcher {
  return {
    scan: async (spec) => (await scanDirectory(spec)).map((file) => ({ kind: 'created', ...file })),
    watch: (spec, changed, failed) => watchDirectory({ clock, open }, spec, changed, failed),
  }
}

export interface ChokidarWatcherOptions {
  readonly clock: Clock
  /** How the platform is asked to watch; default chokidar's. */
  readonly open?: typeof chokidar.watch
}

/** How often a folder that does not exist is looked for: chokidar's own wait for it loses what comes later. */
const absentPollMs = 500

/** How often a folder is looked through that the platform has no watch for. */
const scanMs = 10_000
/** The user's watches or files are used up. */
const isExhausted = (error: unknown): boolean =>
  ['ENOSPC', 'EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code ?? '')

async function watchDirectory(
  { clock, open }: Required<ChokidarWatcherOptions>,
  spec: WatchSpec,
  changed: (change: FileChange) => void,
  failed: (error: Error) => void,
): Promise<FileWatch> {
  const fits = watchedPath(spec)
  let closed = false
  let watcher: FSWatcher | undefined
  let detached: Promise<void> | undefined
  let poll: Timer | undefined
  let scanning: Timer | undefined
  const broke = (error: unknown): void => {
    if (!closed) failed(error instanceof Error ? error : new Error(String(error)))
  }
  const known = await scanDirectory(spec)
  const files = fileSettlement({ clock, stableMs: spec.stableMs, known, changed, failed: broke })

  // Finds what the platform's events leave out: what came before the watches stood, and the files of a new folder.
  const sweep = coalesced(async () => {
    const standing = await scanDirectory(spec)
    if (!closed) files.compare(standing)
  }, broke)

  /** Slow and sure, instead of silence. */
  const scanOn = (error: unknown): void => {
    if (scanning !== undefined || closed) return
    const next = (): void => {
      scanning = clock.setTimer(scanMs, () => {
        sweep()
        next()
      })
    }
    next()
    sweep()
    const { code } = error as NodeJS.ErrnoException
    const advice =
      code === 'ENOSPC' ? 'raise fs.inotify.max_user_watches' : 'raise the limit of open files or of fs.inotify'
    broke(
      new Error(
        `${spec.directory} cannot be watched (${code}) and is looked through every ${scanMs / 1_000} s: ${advice}`,
      ),
    )
  }

  const follow = (root: string): void => {
    const depth = spec.recursive ? {} : { depth: 0 }
    const current = open(root, { ignoreInitial: true, followSymlinks: false, atomic: false, ...depth })
    watcher = current
    // A folder that went is waited for anew: its watches lie on what was there before.
    const checkRoot = async (): Promise<void> => {
      if ((await realFolder(spec.directory)) === root || watcher !== current || closed) return
      watcher = undefined
      detached = current.close()
      await detached
      await attach()
    }
    const look = (): void => {
      sweep()
      checkRoot().catch(broke)
    }
    current.on('ready', look)
    current.on('error', (error) => (isExhausted(error) ? scanOn(error) : broke(error)))
    current.on('all', (event, path) => {
      const below = relative(root, path)
      if (event === 'addDir' || event === 'unlinkDir') look()
      else if (!closed && fits(below)) files.notice(join(spec.directory, below))
    })
  }

  const attach = async (): Promise<void> => {
    // The folder itself may be a link; below it links are not followed.
    const root = await realFolder(spec.directory)
    if (closed) return
    if (root === undefined) poll = clock.setTimer(absentPollMs, () => void attach().catch(broke))
    else follow(root)
  }
  await attach()

  return {
    async close() {
      closed = true
      poll?.cancel()
      scanning?.cancel()
      files.close()
      await Promise.all([watcher?.close(), detached])
    },
  }
}

async function realFolder(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** Runs `task` one at a time; calls during a run become one more run after it. */
function coalesced(task: () => Promise<void>, failed: (error: unknown) => void): () => void {
  let running = false
  let again = false
  const run = (): void => {
    again = running
    if (running) return
    running = true
    task()
      .catch(failed)
      .finally(() => {
        running = false
        if (again) run()
      })
  }
  return run
}
