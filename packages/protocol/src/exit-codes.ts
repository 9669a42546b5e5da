import { type ErrorCode, errorCode, errorTable } from './errors.ts'

/** How the daemon and the command line end, one table for both. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  journalDamaged: 3,
  dataInUse: 4,
  diskFull: 5,
  fenced: 6,
  notFound: 7,
  conflict: 8,
  unreachable: 9,
} as const

const named: Partial<Record<ErrorCode, number>> = {
  JOURNAL_DAMAGED: exitCodes.journalDamaged,
  DATA_IN_USE: exitCodes.dataInUse,
  DISK_FULL: exitCodes.diskFull,
  FENCED: exitCodes.fenced,
  UNREACHABLE: exitCodes.unreachable,
  PORT_IN_USE: exitCodes.failed,
}

/** The exit code for anything that was thrown; foreign errors are 1. */
export function exitCodeOf(error: unknown): number {
  const code = errorCode(error)
  if (code === undefined) return exitCodes.failed
  const own = named[code]
  if (own !== undefined) return own
  const { kind, status } = errorTable[code]
  if (status === 404) return exitCodes.notFound
  if (status === 409) return exitCodes.conflict
  return kind === 'rejected' && (status === 400 || status === 422) ? exitCodes.usage : exitCodes.failed
}
