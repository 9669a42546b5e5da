import type { Clock, JournalRecord, ProcessName, Timer } from '@vigil/protocol'
import { waitLeft } from '../delivery/wait-left.ts'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { SealedPlace } from './seal.ts'
import type { SecretStore } from './secret-store.ts'

/** Revokes what has lived its time, and takes away what nobody may use any more. */
export interface SecretUpkeep {
  /** Told of each durable record. */
  heard(record: JournalRecord): void
  close(): void
}

export interface UpkeepParts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly store: Pick<SecretStore, 'keepOnly' | 'remove'>
  readonly expired: (process: ProcessFold) => void
  readonly failed: (error: Error) => void
}

export function secretUpkeep({ log, clock, store, expired, failed }: UpkeepParts): SecretUpkeep {
  const { world } = log
  const timers = new Map<string, Timer>()

  const expire = (name: string, secret: string): void => {
    timers.delete(`${name} ${secret}`)
    const process = world.get(name)
    const laid = process?.secrets.get(secret)
    if (process === undefined || laid === undefined || laid.revoked !== undefined) return
    const { version } = laid
    const data = { name: secret, version, expired: true, by: 'policy' }
    log.commit([{ process: name as ProcessName, epoch: process.epoch, type: 'secret.revoked', data }])
    expired(process)
    store.remove({ process: name, name: secret, version }).catch(failed)
  }

  const arm = ({ name, secrets }: ProcessFold, secret: string): void => {
    const place = `${name} ${secret}`
    timers.get(place)?.cancel()
    timers.delete(place)
    const { at, expiresAt, revoked } = secrets.get(secret) ?? {}
    if (at === undefined || expiresAt === undefined || revoked !== undefined) return
    const end = Date.parse(expiresAt)
    const leftMs = waitLeft(end, end - Date.parse(at), clock.now())
    timers.set(
      place,
      clock.setTimer(leftMs, () => expire(name, secret)),
    )
  }

  const places = (): SealedPlace[] =>
    [...world.values()].flatMap((process) => [...process.secrets].map((each) => placeOf(process, each)))
  const sweep = (): void => {
    store.keepOnly({ isThere: (name) => world.has(name), places }).catch(failed)
  }

  for (const process of world.values()) for (const secret of process.secrets.keys()) arm(process, secret)
  sweep()

  return {
    heard({ type, process: name, data }) {
      if (type === 'process.removed') sweep()
      const process = world.get(name)
      if (process !== undefined && (type === 'secret.rotated' || type === 'secret.revoked')) arm(process, data.name)
    },
    close() {
      for (const timer of timers.values()) timer.cancel()
      timers.clear()
    },
  }
}

/** What is older than this goes. */
const placeOf = ({ name: process }: ProcessFold, [name, { version, revoked }]: SecretEntry): SealedPlace => ({
  ...{ process, name },
  version: revoked === undefined ? version : version + 1,
})

type SecretEntry = ProcessFold['secrets'] extends Map<infer K, infer V> ? readonly [K, V] : never
