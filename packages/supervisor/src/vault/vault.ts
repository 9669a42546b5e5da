import type { BrokeredSecret, Clock, JournalRecord } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { CallSite } from '../gate/effect.ts'
import { placeholderOf } from './placeholder.ts'
import { missingSecret, type ProcessSecrets, processSecrets } from './process-secrets.ts'
import type { SecretSources } from './secret-source.ts'

/** The secrets of agents, read before the life that may use them begins, and again when their file changes. */
export interface Vault {
  /** Reads what a process may use, so that it is known before its life says a word. Never rejects. */
  begin(process: ProcessFold): Promise<void>
  /** For one effect: what it uses, in pages of the present life, and all else that is live, which its reply is looked through for. @throws SECRET_MISSING */
  take(site: CallSite, used: ReadonlySet<string>): Promise<TakenSecrets>
  /** Every secret that may be somewhere. */
  live(): Iterable<LiveSecret>
  /** Called when that set has changed; returns the way to stop it. */
  changed(listener: () => void): () => void
  /** Told of each durable record. */
  heard(record: JournalRecord): void
  close(): void
}

export interface LiveSecret {
  readonly name: string
  readonly process: string
  /** See `secretPage`: it may be zeroed at any time, and is then not live. */
  readonly page: SharedArrayBuffer
}

export interface TakenSecrets {
  readonly secrets: readonly BrokeredSecret[]
  /** The effect is over. */
  release(): void
}

export interface VaultParts extends SecretSources {
  readonly clock: Clock
  readonly processOf: (name: string) => ProcessFold | undefined
}

export function vault({ processOf, ...parts }: VaultParts): Vault {
  const processes = new Map<string, ProcessSecrets>()
  const listeners = new Set<() => void>()
  const changed = (): void => {
    for (const listener of listeners) listener()
  }
  const of = ({ name }: ProcessFold): ProcessSecrets =>
    processes.getOrInsertComputed(name, () => processSecrets(parts, changed))

  const end = (name: string): void => {
    processes.get(name)?.end()
    processes.delete(name)
  }

  const begin = async (process: ProcessFold): Promise<void> => {
    if (process.manifest.secrets !== undefined) await of(process).refresh(process.manifest)
  }

  return {
    begin,
    async take({ process, turn }, used) {
      if (process.manifest.secrets === undefined) return { secrets: [], release: () => undefined }
      const mine = of(process)
      const missing = await mine.refresh(process.manifest)
      for (const name of used)
        if (missing.has(name) || !mine.pages.has(name))
          throw missingSecret(process.name, name, missing.get(name) ?? 'it was taken away')
      const releases: (() => void)[] = []
      const secrets = [...mine.pages].map(([name, { page: source }]): BrokeredSecret => {
        const placeholder = placeholderOf(turn.salt ?? '', name)
        if (!used.has(name)) return { name, placeholder, page: source }
        const { page, release } = mine.lives.take(process.epoch, name, source)
        releases.push(release)
        return { name, placeholder, page }
      })
      return {
        secrets,
        release() {
          for (const release of releases) release()
        },
      }
    },
    *live() {
      for (const [process, { pages }] of processes)
        for (const [name, { page, isPublic }] of pages) if (isPublic !== true) yield { name, process, page }
    },
    changed(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    heard({ type, process: name, epoch }) {
      const mine = processes.get(name)
      if (mine === undefined) return
      if (type === 'incarnation.exited' || type === 'incarnation.released') mine.lives.over(epoch)
      const process = processOf(name)
      if (process === undefined || type === 'process.removed') return end(name)
      if (type === 'process.deployed') {
        mine.keepOnly(process.manifest)
        if (process.alive) void begin(process)
      }
      if (endsLives.has(type) && !process.alive && !isMeantToRun(process)) end(name)
    },
    close() {
      for (const name of [...processes.keys()]) end(name)
      listeners.clear()
    },
  }
}

const endsLives: ReadonlySet<string> = new Set(['incarnation.exited', 'process.desired', 'process.parked'])

const isMeantToRun = ({ desired, parked }: ProcessFold): boolean => desired !== 'stopped' && parked === undefined
