/** What a file or folder is, from `stat`. Sizes in bytes, times in milliseconds since the epoch. */
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'other'
  readonly size: number
  readonly mtimeMs: number
  readonly inode: number
}

/**
 * An open file. `write` goes to the page cache at once and may be short; only `sync` makes it durable.
 * Every failure is an Error with a system `code` (ENOENT, ENOSPC, EIO ...).
 */
export interface FileHandle {
  /** Writes at `position` without waiting for the disk; returns how many bytes were taken. */
  write(bytes: Uint8Array, position: number): number
  /** Fills `target` from `position`; returns how many bytes were there. */
  read(target: Uint8Array, position: number): Promise<number>
  /** fdatasync: resolves when data and size are on the disk. */
  sync(): Promise<void>
  truncate(length: number): Promise<void>
  size(): Promise<number>
  close(): Promise<void>
}

/** An open folder: the same one, whatever becomes meanwhile of its name and of the names above it. */
export interface OpenDirectory {
  /** Where it really was when it was opened. */
  readonly realPath: string
  /** `${base}/${name}` is that name in this folder. Where a system cannot hold a folder open it is the real path. */
  readonly base: string
  close(): Promise<void>
}

/**
 * The disk. What was written and not synced may be lost at a crash, and so may a new, renamed or removed
 * name whose folder was not synced: the simulated twin does both.
 */
export interface FileSystem {
  /**
   * `read`: must exist. `create`: must not exist (EEXIST). `write`: created if absent, kept if present. `plain`: like `read`, and
   * refuses what would lead elsewhere or never end: links (ELOOP), pipes, devices and folders (EINVAL).
   */
  open(path: string, mode: 'read' | 'create' | 'write' | 'plain', permissions?: number): Promise<FileHandle>
  openDirectory(path: string): Promise<OpenDirectory>
  readFile(path: string): Promise<Uint8Array>
  /** Names in the folder, sorted; ENOENT when it does not exist. */
  readDirectory(path: string): Promise<string[]>
  /** undefined when nothing is there. */
  stat(path: string): Promise<FileStat | undefined>
  /** Also makes missing parents; an existing folder is fine. */
  makeDirectory(path: string): Promise<void>
  /** Replaces the target if it exists. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file; nothing there is fine. */
  remove(path: string): Promise<void>
  /** Makes the names in a folder durable: after create, rename or remove. */
  syncDirectory(path: string): Promise<void>
  /** The path with every link resolved; ENOENT when it does not exist. */
  realPath(path: string): Promise<string>
}
