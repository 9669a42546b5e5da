import type { Clock, FileChange, FileWatcher, Timer, WatchSpec } from '@vigil/protocol'
import picomatch from 'picomatch'

type File = Omit<FileChange, 'kind'>

/** Folders in memory whose files a test puts and removes; changes are told on the virtual clock. */
export interface SimulatedFileWatcher extends FileWatcher {
  /** Writes a file (absolute path), given as its text or its size in bytes. */
  put(path: string, content?: string | number): void
  remove(path: string): void
  /** Breaks every open watch with this error. */
  fail(error: Error): void
}

interface Watch {
  notice(path: string): void
  fail(error: Error): void
}

export function simulatedFileWatcher({ clock }: { readonly clock: Clock }): SimulatedFileWatcher {
  const files = new Map<string, File>()
  const watches = new Set<Watch>()
  let lastInode = 0
  let lastMtime = 0

  const matching = (spec: WatchSpec): File[] => {
    const fits = watchedPath(spec)
    return [...files.values()].filter((file) => fits(file.path)).sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  const notifyAll = (path: string): void => {
    for (const watch of watches) watch.notice(path)
  }

  return {
    put(path, content = '') {
      const size = typeof content === 'number' ? content : new TextEncoder().encode(content).byteLength
      // Two writes within one instant of the virtual clock are still two versions.
      lastMtime = Math.max(clock.now(), lastMtime + 0.001)
      files.set(path, { path, size, mtimeMs: lastMtime, inode: files.get(path)?.inode ?? ++lastInode })
      notifyAll(path)
    },
    remove(path) {
      files.delete(path)
      notifyAll(path)
    },
    fail(error) {
      for (const watch of watches) watch.fail(error)
    },
    scan: async (spec) => matching(spec).map((file) => ({ kind: 'created', ...file })),
    async watch(spec, changed, failed) {
      const fits = watchedPath(spec)
      const known = new Map(matching(spec).map((file) => [file.path, file]))
      const timers = new Map<string, Timer>()

      const settle = (path: string): void => {
        timers.delete(path)
        const [before, file] = [known.get(path), files.get(path)]
        if (before === file) return
        if (file === undefined) known.delete(path)
        else known.set(path, file)
        changed({
          kind: file === undefined ? 'deleted' : before === undefined ? 'created' : 'modified',
          ...((file ?? before) as File),
        })
      }

      const watch: Watch = {
        notice(path) {
          if (!fits(path)) return
          timers.get(path)?.cancel()
          timers.set(
            path,
            clock.setTimer(spec.stableMs, () => settle(path)),
          )
        },
        fail: failed,
      }
      watches.add(watch)
      return {
        async close() {
          watches.delete(watch)
          for (const timer of timers.values()) timer.cancel()
          timers.clear()
        },
      }
    },
  }
}

/** The rule of the real watcher, on absolute paths. */
function watchedPath({ directory, patterns, recursive }: WatchSpec): (path: string) => boolean {
  const fits = patterns.map((pattern) => picomatch(pattern, { basename: recursive && !pattern.includes('/') }))
  const prefix = directory.endsWith('/') ? directory : `${directory}/`
  return (path) => {
    const relative = path.slice(prefix.length)
    return path.startsWith(prefix) && (recursive || !relative.includes('/')) && fits.some((fit) => fit(relative))
  }
}
