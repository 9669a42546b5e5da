import { readFileSync } from 'node:fs'

/** Facts of the platform about a process. Reads take some 10 us and never block, so they are synchronous. */
const pageBytes = 4_096

/** Resident bytes, or undefined when the process is gone (or the machine has no /proc). */
export function residentBytes(pid: number): number | undefined {
  const text = read(`/proc/${pid}/statm`)
  const pages = text?.split(' ')[1]
  return pages === undefined ? undefined : Number(pages) * pageBytes
}

/**
 * With the pid, names a process for ever: pids are used again. Clock ticks since boot; undefined for the dead, and a
 * zombie is dead, however late its parent collects it.
 */
export function startTime(pid: number): string | undefined {
  const text = read(`/proc/${pid}/stat`)
  // The command may hold spaces and brackets; what follows its last bracket is fixed.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields?.[0] === 'Z' ? undefined : fields?.[19]
}

export function bootId(): string {
  return read('/proc/sys/kernel/random/boot_id')?.trim() ?? 'unknown'
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
