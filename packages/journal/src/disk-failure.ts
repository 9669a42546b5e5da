import { errorCode, VigilError } from '@vigil/protocol'

/** As the system says it, or a writer whose disk is somewhere else. */
export const isDiskFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT', 'DISK_FULL'].includes((error as NodeJS.ErrnoException).code ?? '')

/** How a disk that fails looks to callers: DISK_FULL, or JOURNAL_FAILED for anything else; `details.code` is the system's word. */
export function diskFailure(cause: NodeJS.ErrnoException): VigilError {
  return new VigilError(
    isDiskFull(cause) ? 'DISK_FULL' : 'JOURNAL_FAILED',
    `expected the journal to reach the disk, found: ${cause.message}`,
    { cause, details: { code: cause.code } },
  )
}

/** Runs what touches the disk; a system error comes out as an error of the table. */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw errorCode(error) === undefined ? diskFailure(error as NodeJS.ErrnoException) : error
  }
}
