import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type FileChange, limits, VigilError, type WatchSpec } from '@vigil/protocol'
import picomatch from 'picomatch'

/**
 * What stands in a watched folder now. Only regular files count: a symbolic link, to a file or a folder, is
 * neither told nor followed, so nothing outside of the folder is ever seen. What vanishes while we look was
 * not there.
 */
export type FoundFile = Omit<FileChange, 'kind'>

const statsAtOnce = 64

/**
 * Says whether a path relative to the folder is watched. In a recursive watch a pattern without a slash
 * means the name of the file, at any depth.
 */
export function watchedPath({ patterns, recursive }: WatchSpec): (relative: string) => boolean {
  // With `basename` picomatch would also take a pattern with slashes for a name.
  const fits = patterns.map((pattern) => picomatch(pattern, { basename: recursive && !pattern.includes('/') }))
  return (relative) => (recursive || !relative.includes('/')) && fits.some((fit) => fit(relative))
}

/** The regular file at `path`, or undefined. */
export async function fileAt(path: string): Promise<FoundFile | undefined> {
  try {
    const stat = await lstat(path)
    return stat.isFile() ? { path, size: stat.size, mtimeMs: stat.mtimeMs, inode: stat.ino } : undefined
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** Every watched file, sorted by path; a folder that does not exist holds none. */
export async function scanDirectory(spec: WatchSpec): Promise<FoundFile[]> {
  const fits = watchedPath(spec)
  const found: FoundFile[] = []
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await readdir(join(spec.directory, folder), { withFileTypes: true }).catch(emptyIfAbsent)
    const names: string[] = []
    for (const entry of entries) {
      const relative = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory() && spec.recursive) folders.push(relative)
      if (entry.isFile() && fits(relative)) names.push(relative)
    }
    for (let at = 0; at < names.length; at += statsAtOnce) {
      const files = await Promise.all(
        names.slice(at, at + statsAtOnce).map((name) => fileAt(join(spec.directory, name))),
      )
      for (const file of files) if (file !== undefined) found.push(file)
      if (found.length > limits.watchedPaths) throw tooMany(spec)
    }
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1))
}

const tooMany = ({ directory }: WatchSpec): VigilError =>
  new VigilError(
    'TOO_LARGE',
    `more than ${limits.watchedPaths} files in ${directory} match: narrow watch_patterns, or move files away when they are done`,
  )

/** Nothing is there: the errors of a path that does not lead to anything. */
export const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

function emptyIfAbsent(error: unknown): [] {
  if (isAbsent(error)) return []
  throw error
}
