import { type Clock, errorCode, VigilError } from '@vigil/protocol'

const firstPauseMs = 20
const longestPauseMs = 1_000

/** How long who waits for a database that is away waits, by which clock. */
export interface Patience {
  readonly clock: Clock
  readonly patienceMs: number
  /** Patience ends early when more waits in memory than may. */
  readonly overfull: () => boolean
}

/**
 * Tries again while the database is away, at longer and longer intervals, until patience ends. Whether a try that was
 * cut off has happened is unknown, so `attempt` has to find the same state when it happens twice.
 * @throws DISK_FULL · JOURNAL_FAILED · or the error of the table that `attempt` threw
 */
export async function withPatience<T>(
  { clock, patienceMs, overfull }: Patience,
  attempt: () => Promise<T>,
): Promise<T> {
  const deadline = clock.monotonic() + patienceMs
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await attempt()
    } catch (error) {
      if (errorCode(error) !== undefined) throw error
      const over = overfull() || clock.monotonic() + pauseMs > deadline
      if (over || !passes(error)) throw databaseFailure(error as Error)
    }
    await new Promise<void>((resolve) => clock.setTimer(pauseMs, resolve))
  }
}

interface DatabaseError extends Error {
  readonly code?: string
  /** Only what the server says has one. */
  readonly severity?: string
}

/**
 * Connection (08), a conflict with another transaction (40), resources other than the disk (53), a server that stops, starts or cancels (57),
 * a primary that has become a standby (25006).
 */
const passingStates = /^(08|40|53(?!100)|57|25006)/

/** What the server refuses it will refuse again; a connection that broke or timed out can be made anew. */
const passes = (error: unknown): boolean => {
  const { severity, code } = error as DatabaseError
  return severity === undefined || passingStates.test(code ?? '')
}

function databaseFailure(cause: DatabaseError): VigilError {
  // Several addresses of one host are refused together, and node then says it in the errors alone.
  const found = cause instanceof AggregateError ? cause.errors.map(({ message }) => message).join(', ') : cause.message
  const code = cause.code === '53100' ? 'DISK_FULL' : 'JOURNAL_FAILED'
  return new VigilError(code, `expected PostgreSQL to keep the journal, found: ${found}`, {
    cause,
    details: { code: cause.code },
  })
}
