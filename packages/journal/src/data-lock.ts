import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type Clock, type FileSystem, type Timer, VigilError } from '@vigil/protocol'
import { writeFileAtomically } from './atomic-file.ts'
import { answers, claimSocket } from './socket-claim.ts'

/**
 * One supervisor per data directory. A socket in the abstract namespace is the lock: the kernel frees it at the
 * death of its owner, also by SIGKILL. It is blind to other network namespaces and machines, so a lease file, renewed
 * every 2 s, is the second witness.
 */
export interface DataLock {
  release(): Promise<void>
}

interface Lease {
  readonly pid: number
  readonly start_time: string
  readonly boot_id: string
  readonly host: string
  readonly renewed_at: number
}

const renewMs = 2_000
const staleMs = 10_000

/** @throws DATA_IN_USE naming the process that holds the directory */
export async function lockDataDirectory(options: {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly directory: string
}): Promise<DataLock> {
  const { fileSystem, clock } = options
  const directory = await fileSystem.realPath(options.directory)
  const path = leasePath(directory)
  const read = (): Promise<Lease | undefined> => readLease(fileSystem, directory)
  const inUse = (lease: Lease | undefined): VigilError =>
    new VigilError(
      'DATA_IN_USE',
      `${directory} is in use by ${lease === undefined ? 'another supervisor' : `the supervisor with pid ${lease.pid} on ${lease.host}`}`,
      { details: lease },
    )

  const socket = await claimSocket(socketName(directory))
  if (socket === undefined) throw inUse(await read().catch(() => undefined))

  let timer: Timer | undefined
  let writing: Promise<void> = Promise.resolve()
  let released = false
  const write = (): Promise<void> => {
    const mine: Lease = {
      pid: process.pid,
      start_time: startTime(process.pid) ?? '',
      boot_id: bootId(),
      host: hostname(),
      renewed_at: clock.now(),
    }
    return writeFileAtomically(fileSystem, path, Buffer.from(JSON.stringify(mine)), { permissions: 0o600 })
  }
  const renew = (): void => {
    if (released) return
    // A lease that cannot be renewed is no reason to stop: the socket still holds, and a full disk shows elsewhere.
    writing = write().catch(() => undefined)
    timer = clock.setTimer(renewMs, renew)
  }
  try {
    const lease = await read()
    if (lease !== undefined && holds(lease, clock.now())) throw inUse(lease)
    await write()
  } catch (error) {
    await socket.release()
    throw error
  }
  timer = clock.setTimer(renewMs, renew)

  return {
    async release() {
      released = true
      timer?.cancel()
      await writing
      try {
        await fileSystem.remove(path)
      } finally {
        await socket.release()
      }
    },
  }
}

/** Whether somebody holds a data directory: asks, and takes nothing. */
export async function isDataInUse(options: {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly directory: string
}): Promise<boolean> {
  const directory = await options.fileSystem.realPath(options.directory)
  if (await answers(socketName(directory))) return true
  const lease = await readLease(options.fileSystem, directory)
  return lease !== undefined && holds(lease, options.clock.now())
}

const leasePath = (directory: string): string => join(directory, 'lease.json')

async function readLease(fileSystem: FileSystem, directory: string): Promise<Lease | undefined> {
  // A lease that is there and cannot be read may be a living one: that failure goes to the caller.
  const bytes = await fileSystem.readFile(leasePath(directory)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return bytes === undefined ? undefined : parseLease(bytes)
}

/** Leases are written whole, so one that is no JSON was not written by a holder. */
function parseLease(bytes: Uint8Array): Lease | undefined {
  try {
    return (JSON.parse(Buffer.from(bytes).toString('utf8')) as Lease | null) ?? undefined
  } catch {
    return undefined
  }
}

/** Whether whoever wrote the lease may still be there. On this boot of this machine that is known, else it is a matter of age. */
function holds(lease: Lease, now: number): boolean {
  if (lease.boot_id === bootId() && lease.host === hostname())
    return lease.pid !== process.pid && startTime(lease.pid) === lease.start_time
  return now - lease.renewed_at < staleMs
}

function socketName(directory: string): string {
  const name = `vigil:${createHash('sha256').update(directory).digest('hex').slice(0, 32)}`
  return process.platform === 'linux' ? `\0${name}` : join(directory, 'lock.sock')
}

function bootId(): string {
  return readProc('/proc/sys/kernel/random/boot_id')?.trim() ?? 'unknown'
}

/**
 * Clock ticks since boot at which a process began: with the pid it is a name that is never used again. A zombie is
 * dead, however late its parent collects it.
 */
function startTime(pid: number): string | undefined {
  const text = readProc(`/proc/${pid}/stat`)
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields?.[0] === 'Z' ? undefined : fields?.[19]
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
