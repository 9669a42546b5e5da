import type { Clock, FileSystem, JournalRecord, Random } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import { type SecretOperations, secretOperations } from '../operations/secrets.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import { type HookSecrets, hookSecrets } from '../triggers/webhook/hook-secrets.ts'
import { madeSecrets } from './made-secrets.ts'
import type { SecretStore } from './secret-store.ts'
import { secretUpkeep } from './secret-upkeep.ts'
import { type Vault, vault } from './vault.ts'

/** All that has to do with secrets: where those of agents and of hooks are, what people do with them, and when they go. */
export interface Secrets extends SecretOperations {
  readonly vault: Vault
  readonly hooks: HookSecrets
  /** Looks at those of every process that is meant to run, so that what is missing is told before it is needed. */
  look(): void
  /** Told of each durable record. */
  heard(record: JournalRecord): void
  close(): void
}

export interface SecretsParts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly random: Random
  readonly fileSystem: FileSystem
  readonly env: Readonly<Record<string, string | undefined>>
  readonly store: SecretStore
  /** A process may go on, or waits for a secret from now on. */
  readonly moved: (process: string) => void
  readonly tell: (process: string, level: 'info' | 'warn' | 'error', message: string) => void
}

export function secretsOf({ log, clock, random, fileSystem, env, store, moved, tell }: SecretsParts): Secrets {
  const { world } = log
  const own = vault({ env, fileSystem, clock, store, processOf: (name) => world.get(name), read: moved })
  const operations = secretOperations({ log, clock, store, vault: own })
  const made = madeSecrets({
    ...{ vault: own, operations, random },
    tell: (process, message) => tell(process, 'info', message),
  })
  const upkeep = secretUpkeep({
    ...{ log, clock, store, expired: own.moved },
    failed: (error) => tell('@runtime', 'error', `what is left of old secrets cannot be taken away: ${error.message}`),
  })
  const look = async (process: ProcessFold): Promise<void> => {
    await own.begin(process)
    const why = own.waits(process)
    if (why === undefined) return
    tell(process.name, 'error', `runs nothing: ${why.message}`)
    moved(process.name)
  }
  return {
    ...operations,
    vault: own,
    hooks: hookSecrets({ env, fileSystem, made }),
    look() {
      for (const process of world.values())
        if (process.secrets.size > 0 && process.desired === 'running' && process.parked === undefined)
          void look(process)
    },
    heard(record) {
      own.heard(record)
      upkeep.heard(record)
      if (record.type === 'secret.rotated' && record.data.kept === 'memory')
        tell(
          record.process,
          'warn',
          `the secret ${record.data.name} is in memory alone: without VIGIL_KEY it ends with Vigil`,
        )
    },
    close() {
      upkeep.close()
      own.close()
    },
  }
}
