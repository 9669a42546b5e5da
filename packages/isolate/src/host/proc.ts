import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Facts of the platform about a process. Reads take some 10 us and never block, so they are synchronous. */
const pageBytes = 4_096
/** Of 19: some 3 % of the weight of an ordinary process, so that nothing starves for ever. */
const ofCell = 15
/** A third of the weight of an ordinary process: its calls have deadlines, and it starts cold, on a machine that may have nothing left for others. */
export const ofServer = 5

/** Resident bytes, or undefined when the process is gone (or the machine has no /proc). */
export function residentBytes(pid: number): number | undefined {
  const text = read(`/proc/${pid}/statm`)
  const pages = text?.split(' ')[1]
  return pages === undefined ? undefined : Number(pages) * pageBytes
}

/**
 * Resident bytes of a process group: what a cell and everything that it started take together. Reads all of /proc, some 10 us a process.
 */
export function groupResidentBytes(group: number): number | undefined {
  let bytes: number | undefined
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (Number.isInteger(pid) && fieldsOf(pid)?.[2] === String(group)) bytes = (bytes ?? 0) + (residentBytes(pid) ?? 0)
  }
  return bytes
}

/**
 * With the pid, names a process for ever: pids are used again. Clock ticks since boot; undefined for the dead, and a
 * zombie is dead, however late its parent collects it.
 */
export function startTime(pid: number): string | undefined {
  const fields = fieldsOf(pid)
  return fields?.[0] === 'Z' ? undefined : fields?.[19]
}

/** State, parent, group and so on: what follows the command, which may hold spaces and brackets. */
function fieldsOf(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** Controllers that the unified hierarchy of cgroups gives to this process; none on cgroup v1 and other systems. */
export function cgroupControllers(): string[] {
  const path = read('/proc/self/cgroup')?.match(/^0::(.*)$/m)?.[1]
  const text = path === undefined ? undefined : read(`/sys/fs/cgroup${path}/cgroup.controllers`)
  return text?.trim().split(' ') ?? []
}

/**
 * Lets a process and all that it starts from now on run when others have no need to. Only a help: a platform that does not let us
 * runs it as any other. Linux may schedule by session before it looks at a process (sched_autogroup), so the session is told, too.
 */
export function yieldToOthers(pid: number, niceness: number = ofCell): void {
  for (const lower of [() => setPriority(pid, niceness), () => writeFileSync(`/proc/${pid}/autogroup`, `${niceness}`)])
    try {
      lower()
    } catch {}
}

const homes = join(tmpdir(), 'vigil-home-')
/** A folder of its own for a program that looks for one, with nothing in it. */
export const emptyHome = (): string => mkdtempSync(homes)
/** Only such a one, whatever a note says. */
export function removeHome(path: string): void {
  if (path.startsWith(homes) && !path.slice(homes.length).includes('/')) rmSync(path, { recursive: true, force: true })
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
