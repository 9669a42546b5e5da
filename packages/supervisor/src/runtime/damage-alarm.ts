import type { JournalDamage, ProcessName } from '@vigil/protocol'
import type { SupervisorEvents } from '../surface.ts'
import type { RecordLog } from './record-log.ts'

/**
 * Tells of damage in the log that reading it finds: a line for people at once, a record the first time that a segment is
 * found, and a list for the status. Nothing stops: what was acknowledged lately is not in it.
 */
export function damageAlarm(log: RecordLog, say: SupervisorEvents['log']): readonly JournalDamage[] {
  const process = '@runtime' as ProcessName
  const type = 'journal.damage_found'
  const damaged: JournalDamage[] = []

  const record = async (damage: JournalDamage): Promise<void> => {
    const { records } = await log.journal.page({ process, type, limit: 1_000 })
    if (records.some((each) => each.type === type && each.data.segment === damage.segment)) return
    log.commit([{ process, epoch: 0, type, data: { ...damage } }])
  }

  log.journal.onDamage((damage) => {
    damaged.push(damage)
    const message = `the journal segment ${damage.segment} is damaged at byte ${damage.offset}: records in it cannot be read; restore it from a backup, or see vigil journal verify`
    say({ process, level: 'error', message })
    // A journal that takes no more records, because it is being closed, is told of in the next life.
    void record(damage).catch(() => undefined)
  })
  return damaged
}
