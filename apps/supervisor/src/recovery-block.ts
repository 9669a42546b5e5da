import type { ProcessState, RecoveryReport } from '@vigil/supervisor'

/** The block that a start prints, true to the letter of what recovery found. Pure. */
export interface BlockInput {
  readonly report: RecoveryReport
  readonly now: Date
  /** What a recovered process does now; undefined when it is gone. */
  readonly stateOf: (name: string) => ProcessState | undefined
}

export function recoveryBlock({ report, now, stateOf }: BlockInput): string[] {
  const stamp = `[${clockTime(now)}]`
  const { processes } = report
  if (processes.length === 0) return [`${stamp} First start: nothing to recover`]
  return [
    `${stamp} ${foundLine(processes)}`,
    ...(report.orphansEnded === 0
      ? []
      : [`${stamp} Ended ${count(report.orphansEnded, 'cell')} that the last run left behind`]),
    ...(report.tornTail === undefined ? [] : [`${stamp} Moved a torn end of the journal to ${report.tornTail}`]),
    ...processes.map((process) => {
      const checkpoint =
        process.checkpointAt === undefined
          ? 'No checkpoint yet'
          : `Last checkpoint: ${moment(new Date(process.checkpointAt), now)}`
      const replay = `Replaying ${count(process.replayed, 'record')}...`
      return `${stamp} Process "${process.name}" -> ${checkpoint} -> ${replay} -> State restored. ${outlook(stateOf(process.name), process.openTurns)}`
    }),
    ...(report.bodiesLost === 0
      ? []
      : [`${stamp} ${count(report.bodiesLost, 'dead letter')} for bodies that are gone from the data directory`]),
    `${stamp} ${count(report.lost, 'accepted event')} lost, ${count(report.repeated, 'recorded effect')} repeated, ${report.inDoubt} in doubt`,
  ]
}

function foundLine(processes: RecoveryReport['processes']): string {
  const marked = processes.filter(({ checkpointAt }) => checkpointAt !== undefined).length
  const total = count(processes.length, 'process', 'processes')
  if (marked === processes.length) return `Found ${total} with checkpoints`
  return marked === 0 ? `Found ${total} in the journal` : `Found ${total}, ${marked} with checkpoints`
}

function outlook(state: ProcessState | undefined, openTurns: number): string {
  if (state === 'stopped' || state === 'suspended' || state === 'failed') return `Stays ${state}.`
  return openTurns === 0 ? 'Resuming.' : `Resuming ${count(openTurns, 'open turn')}.`
}

const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

const two = (n: number): string => String(n).padStart(2, '0')

/** Local time of day, as people read a log. */
export const clockTime = (at: Date): string => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`

/** The time of day, with its date when that is another day. */
function moment(at: Date, now: Date): string {
  if (at.toDateString() === now.toDateString()) return clockTime(at)
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clockTime(at)}`
}
