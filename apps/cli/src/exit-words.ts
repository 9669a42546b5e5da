import type { ExitCause } from '@vigil/protocol'

/** Why a life ended, in words short enough for a column. */
export function exitWords(cause: ExitCause): string {
  switch (cause.kind) {
    case 'normal':
    case 'shutdown':
      return cause.kind
    case 'error':
      return `error: ${firstLine(cause.message)}`
    case 'exit_code':
      return `exit code ${cause.code}`
    case 'signal':
      return `signal ${cause.signal}`
    case 'memory':
      return `memory ${Math.round(cause.used_mb)} of ${cause.limit_mb} MB`
    case 'start_timeout':
      return `not up after ${seconds(cause.after_ms)}`
    case 'heartbeat_lost':
      return `heartbeat lost after ${seconds(cause.silent_ms)}`
    case 'wedged':
      return `wedged, killed after ${seconds(cause.stopped_after_ms)}`
    case 'cell_lost':
      return 'cell lost'
    case 'cell_forged':
      return 'cell forged a message'
    case 'failures':
      return `${cause.count} failures in a row`
  }
}

const seconds = (ms: number): string => `${Math.round(ms / 100) / 10} s`

const longest = 60

function firstLine(text: string): string {
  const line = text.split('\n')[0] ?? ''
  return line.length > longest ? `${line.slice(0, longest - 3)}...` : line
}
