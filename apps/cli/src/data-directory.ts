import { resolve } from 'node:path'
import { isDataInUse, lockDataDirectory, nodeFileSystem } from '@vigil/journal'
import { type Clock, VigilError } from '@vigil/protocol'
import type { ConnectionFlags, Surroundings } from './connection.ts'

/** A data directory for who reads its files without a supervisor. */
export interface DataDirectory {
  readonly path: string
  readonly fileSystem: ReturnType<typeof nodeFileSystem>
  readonly clock: Clock
  /** A supervisor is at work on it. */
  isInUse(): Promise<boolean>
  /** Runs what nobody else may disturb. @throws DATA_IN_USE */
  locked<T>(work: () => Promise<T>): Promise<T>
}

/** @throws INVALID_ARGUMENT when there is no journal */
export async function dataDirectory(flags: ConnectionFlags, { env, cwd }: Surroundings): Promise<DataDirectory> {
  const path = resolve(cwd, flags.data ?? env.VIGIL_DATA ?? '.vigil')
  const fileSystem = nodeFileSystem()
  const there = [fileSystem.stat(`${path}/journal`), fileSystem.stat(`${path}/checkpoints`)]
  if ((await Promise.all(there)).every((found) => found === undefined))
    throw new VigilError('INVALID_ARGUMENT', `--data: expected a data directory, found no journal in ${path}`)
  const where = { fileSystem, clock: platformClock, directory: path }
  return {
    path,
    fileSystem,
    clock: platformClock,
    isInUse: () => isDataInUse(where),
    async locked(work) {
      const lock = await lockDataDirectory(where)
      try {
        return await work()
      } finally {
        await lock.release()
      }
    },
  }
}

const platformClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, fire) {
    const timer = setTimeout(fire, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}
