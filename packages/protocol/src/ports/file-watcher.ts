/** One thing that happened to a file; `path` is absolute. */
export interface FileChange {
  readonly kind: 'created' | 'modified' | 'deleted'
  readonly path: string
  readonly size: number
  readonly mtimeMs: number
  readonly inode: number
}

/** What to watch: the files of one folder (deeper only if `recursive`) whose relative path matches a pattern. */
export interface WatchSpec {
  readonly directory: string
  /** picomatch globs over the path relative to `directory`; in a recursive watch one without a slash means the file's name. */
  readonly patterns: readonly string[]
  readonly recursive: boolean
  /** A change is told only after size and mtime stood still this long. */
  readonly stableMs: number
}

export interface FileWatch {
  close(): Promise<void>
}

/**
 * Watches a folder. `scan` is the truth; `watch` only tells sooner. A folder that does not exist yet is
 * waited for.
 */
export interface FileWatcher {
  /** Every matching file that stands in the folder now, sorted by path. */
  scan(spec: WatchSpec): Promise<FileChange[]>
  /** Calls `changed` for each stable change until closed; `failed` when watching itself broke. */
  watch(spec: WatchSpec, changed: (change: FileChange) => void, failed: (error: Error) => void): Promise<FileWatch>
}
