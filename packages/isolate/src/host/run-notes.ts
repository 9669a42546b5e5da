import { join } from 'node:path'
import type { FileSystem } from '@vigil/protocol'
import { bootId, removeHome, startTime } from './proc.ts'

/**
 * One note per living cell under DATA/run, written before a guest is placed: the next supervisor ends what this one
 * left behind. A note names pid, start time and boot, so that a pid that was given to somebody else is let alone.
 */
export interface RunNotes {
  /** `home`: a folder that goes with it. */
  write(pid: number, home?: string): Promise<void>
  remove(pid: number): Promise<void>
  /** Kills every noted cell that still lives; returns how many. */
  endOrphans(): Promise<number>
}

interface Note {
  readonly pid: number
  readonly start_time: string
  readonly boot_id: string
  readonly home?: string
}

export function runNotes(fileSystem: FileSystem, directory: string | undefined): RunNotes {
  const pathOf = (pid: number): string => join(directory ?? '', `${pid}.json`)
  return {
    async write(pid, home) {
      if (directory === undefined) return
      await fileSystem.makeDirectory(directory)
      const handle = await fileSystem.open(pathOf(pid), 'write', 0o600)
      try {
        // Not synced: a machine that goes down takes the cell with it.
        const note: Note = { pid, start_time: startTime(pid) ?? '', boot_id: bootId(), ...(home ? { home } : {}) }
        const bytes = Buffer.from(JSON.stringify(note))
        await handle.truncate(0)
        handle.write(bytes, 0)
      } finally {
        await handle.close()
      }
    },
    async remove(pid) {
      if (directory !== undefined) await fileSystem.remove(pathOf(pid))
    },
    async endOrphans() {
      if (directory === undefined || (await fileSystem.stat(directory)) === undefined) return 0
      let ended = 0
      for (const name of await fileSystem.readDirectory(directory)) {
        const note = parse(await fileSystem.readFile(join(directory, name)))
        if (killNoted(note)) ended += 1
        if (note?.home !== undefined) removeHome(note.home)
        await fileSystem.remove(join(directory, name))
      }
      return ended
    },
  }
}

function parse(bytes: Uint8Array): Note | undefined {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as Note
  } catch {
    // Half a note: its writer died before it placed a guest.
    return undefined
  }
}

function killNoted(note: Note | undefined): boolean {
  if (note === undefined || note.boot_id !== bootId() || startTime(note.pid) !== note.start_time) return false
  return killGroup(note.pid)
}

/** SIGKILL to a cell and everything it started; false when it was gone already. */
export function killGroup(pid: number): boolean {
  try {
    process.kill(-pid, 'SIGKILL')
    return true
  } catch {
    return false
  }
}
