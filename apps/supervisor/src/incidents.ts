import type { JournalRecord } from '@vigil/protocol'
import type { SupervisorEvents } from '@vigil/supervisor'

type LogLine = Parameters<SupervisorEvents['log']>[0]

/** What people want to hear of as it happens: lives that ended badly, events that became dead letters. */
export function incidentOf(record: JournalRecord): LogLine | undefined {
  const about = { process: record.process, level: 'warn' as const }
  if (record.type === 'turn.dead_lettered') {
    const { error, attempts, reason, event_id } = record.data
    const message = `event ${event_id} is a dead letter after ${attempts} attempt(s), ${reason}: ${error.message}`
    return { ...about, message, ...(record.turn === undefined ? {} : { turn: record.turn }) }
  }
  if (record.type !== 'incarnation.exited') return undefined
  const { cause, restart_in_ms } = record.data
  if (cause.kind === 'shutdown' || cause.kind === 'normal') return undefined
  const next = restart_in_ms === undefined ? '' : `; restarting in ${restart_in_ms} ms`
  return { ...about, message: `its life ended: ${cause.kind}${next}`, fields: { cause } }
}
