import type { Clock, FileChange, Timer } from '@vigil/protocol'
import { type FoundFile, fileAt } from './directory-scan.ts'

/**
 * Turns "something happened at this path" into true changes: the file is looked at until two looks, one
 * `stableMs` apart, agree, and then compared with the version that was known. However many hints come for a
 * path, there is one timer for it and one change.
 */
export interface FileSettlement {
  /** Looks at a path until it stands still. */
  notice(path: string): void
  /** Notices every path where what stands now is not what is known. */
  compare(standing: readonly FoundFile[]): void
  close(): void
}

export interface FileSettlementOptions {
  readonly clock: Clock
  readonly stableMs: number
  /** What stood there before; changes are told against it. */
  readonly known: readonly FoundFile[]
  changed(change: FileChange): void
  failed(error: unknown): void
}

/** A path that something happened to; `seen` is the file of the last look. */
interface Unsettled {
  seen: FoundFile | undefined
  timer?: Timer
}

export function fileSettlement({
  clock,
  stableMs,
  known: before,
  changed,
  failed,
}: FileSettlementOptions): FileSettlement {
  const known = new Map(before.map((file) => [file.path, file]))
  const unsettled = new Map<string, Unsettled>()

  const settle = (path: string, file: FoundFile | undefined): void => {
    unsettled.delete(path)
    const last = known.get(path)
    if (sameVersion(last, file)) return
    if (file === undefined) known.delete(path)
    else known.set(path, file)
    const kind = file === undefined ? 'deleted' : last === undefined ? 'created' : 'modified'
    changed({ kind, ...((file ?? last) as FoundFile) })
  }

  const look = (path: string, entry: Unsettled, then: (file: FoundFile | undefined) => void): void => {
    const current = (): boolean => unsettled.get(path) === entry
    fileAt(path).then(
      (file) => {
        if (current()) then(file)
      },
      (error) => {
        if (!current()) return
        unsettled.delete(path)
        failed(error)
      },
    )
  }

  const waitStill = (path: string, entry: Unsettled): void => {
    entry.timer = clock.setTimer(stableMs, () =>
      look(path, entry, (file) => {
        if (sameVersion(entry.seen, file)) return settle(path, file)
        entry.seen = file
        waitStill(path, entry)
      }),
    )
  }

  const notice = (path: string): void => {
    if (unsettled.has(path)) return
    const entry: Unsettled = { seen: undefined }
    unsettled.set(path, entry)
    look(path, entry, (file) => {
      entry.seen = file
      waitStill(path, entry)
    })
  }

  return {
    notice,
    compare(standing) {
      const paths = new Set(standing.map((file) => file.path))
      for (const file of standing) if (!sameVersion(known.get(file.path), file)) notice(file.path)
      for (const path of known.keys()) if (!paths.has(path)) notice(path)
    },
    close() {
      for (const { timer } of unsettled.values()) timer?.cancel()
      unsettled.clear()
    },
  }
}

function sameVersion(a: FoundFile | undefined, b: FoundFile | undefined): boolean {
  return a?.size === b?.size && a?.mtimeMs === b?.mtimeMs && a?.inode === b?.inode
}
