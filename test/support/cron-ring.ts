import { openMemoryStore } from '@vigil/journal'
import type { AcceptedEvent, ProcessName } from '@vigil/protocol'
import type { Trigger } from '@vigil/supervisor'
import { cronTrigger, recordLog, triggerId } from '@vigil/supervisor/internal'
import { virtualClock } from '@vigil/testkit'

/** One cron trigger on a real log and fold, with a clock that moves when it is told to; ring 0 around it is left out. */
export type CronTrigger = Extract<Trigger, { type: 'cron' }>

/** Default: UTC, every event ends in the instant that it is accepted. */
export interface CronRingOptions extends Omit<CronTrigger, 'type' | 'timezone'> {
  readonly timezone?: string
  readonly at: string
  /** Events stay unfinished until `finish`. */
  readonly keeps?: boolean
}

export async function cronRing({ at, keeps = false, timezone = 'UTC', ...rest }: CronRingOptions) {
  const clock = virtualClock({ now: Date.parse(at) })
  const journal = openMemoryStore({ clock })
  const world = new Map()
  const log = recordLog({ journal, world })
  const process = 'alpha' as ProcessName
  const trigger: CronTrigger = { type: 'cron', timezone, ...rest }
  const id = triggerId(trigger)
  const manifest = { name: 'alpha', triggers: [trigger], mailbox: { max: 10_000 }, context: { initialState: {} } }
  log.commit([
    { process, epoch: 0, type: 'process.deployed', data: { revision: 1, manifest, bundle: 'b', by: 'program' } },
  ])
  const fold = world.get('alpha')
  const fired: { slot: string; missed: number; at: string }[] = []
  const errors: Error[] = []
  const ends: string[] = []
  const finish = (event: AcceptedEvent): void => {
    const data = { event_id: event.event_id, attempt: 1, result: null, writes: {} }
    log.commit([{ process, epoch: 0, type: 'turn.completed', turn: `t-${event.event_id}`, data }])
  }
  log.observe((record) => {
    if (record.type !== 'trigger.accepted') return
    const { scheduled_time, missed } = record.data.event.payload as { scheduled_time: string; missed: number }
    fired.push({ slot: scheduled_time, missed, at: record.data.event.timestamp })
    if (!keeps) finish(record.data.event)
  })
  const open = () =>
    cronTrigger(
      {
        log,
        clock,
        process: fold,
        watcher: undefined as never,
        secrets: undefined as never,
        lookAtClock: () => undefined,
        random: undefined as never,
        triggerTypes: {},
        tell: () => undefined,
        failed: (error) => errors.push(error),
        end(event_id, how) {
          ends.push(how)
          const data = { event_id, reason: how, by: 'policy' }
          log.commit([{ process, epoch: 0, type: 'turn.cancelled', turn: `t-${event_id}`, data }])
        },
      },
      trigger,
    )
  let armed = open()
  await clock.advance(0)
  return {
    clock,
    fired,
    errors,
    ends,
    open,
    log,
    slots: () => fired.map(({ slot }) => slot.replace('.000Z', 'Z')),
    counts: () => fold.cronCounts.get(id) ?? { missed: 0, skipped: 0 },
    nextFire: () => armed.nextFire()?.toISOString(),
    clockStepped: () => armed.clockStepped?.(),
    /** The process does not run for so long. */
    async down(ms: number) {
      await armed.close()
      await clock.advance(ms)
      armed = open()
      await clock.advance(0)
    },
    async close() {
      await armed.close()
      await journal.close()
    },
  }
}
