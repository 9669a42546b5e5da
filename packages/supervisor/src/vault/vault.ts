import { type BrokeredSecret, type JournalRecord, VigilError } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { CallSite } from '../gate/effect.ts'
import { hasSecrets, isSecretName } from './known-secrets.ts'
import { placeholderOf } from './placeholder.ts'
import { type ProcessSecrets, type ProcessSecretsParts, processSecrets } from './process-secrets.ts'

/** The secrets of agents, read before the life that may use them begins, and again when their file changes. */
export interface Vault {
  /** Reads what a process may use, so that it is known before its life says a word. Never rejects. */
  begin(process: ProcessFold): Promise<void>
  /**
   * For one effect: what it uses, in pages of the present life, and all else that is live, which its reply is looked through for.
   * @throws SECRET_MISSING, SECRET_DENIED, VAULT_KEY_WRONG, VAULT_DAMAGED
   */
  take(site: CallSite, used: ReadonlySet<string>): Promise<TakenSecrets>
  /** One that is used here; the page is a source. @throws like `take` */
  look(process: ProcessFold, name: string): Promise<SharedArrayBuffer>
  /** Every secret that may be somewhere. */
  live(): Iterable<LiveSecret>
  /** Called when that set has changed; returns the way to stop it. */
  changed(listener: () => void): () => void
  /** Why names of a process are not there, as of the last look. */
  missing(process: string): ReadonlyMap<string, VigilError>
  /** A version that is on record and not here: it runs nothing on an older one. */
  waits(process: ProcessFold): { readonly message: string; readonly since: string } | undefined
  /** Something was laid over the secrets of a process, or taken away. */
  moved(process: ProcessFold): void
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

export interface VaultParts extends Omit<ProcessSecretsParts, 'process' | 'changed'> {
  readonly processOf: (name: string) => ProcessFold | undefined
  /** What a process waits for may have come. */
  readonly read: (process: string) => void
}

export function vault({ processOf, read, ...parts }: VaultParts): Vault {
  const processes = new Map<string, ProcessSecrets>()
  const listeners = new Set<() => void>()
  const changed = (): void => {
    for (const listener of listeners) listener()
  }
  const end = (name: string): void => {
    processes.get(name)?.end()
    processes.delete(name)
  }
  const of = (process: ProcessFold): ProcessSecrets => {
    // One of the same name may have been removed a moment ago.
    if (processes.get(process.name)?.process !== process) end(process.name)
    return processes.getOrInsertComputed(process.name, () => processSecrets({ ...parts, process, changed }))
  }

  const begin = async (process: ProcessFold): Promise<void> => {
    if (!hasSecrets(process)) return
    const before = waits(process)
    await of(process).refresh()
    if (before !== undefined) read(process.name)
  }

  const waits: Vault['waits'] = (process) => {
    for (const [name, { message }] of processes.get(process.name)?.missing ?? []) {
      const laid = process.secrets.get(name)
      if (isSecretName(name) && laid !== undefined && laid.version > 0 && laid.revoked === undefined)
        return { message, since: laid.at }
    }
    return undefined
  }

  const moved = (process: ProcessFold): void => {
    processes.get(process.name)?.prune()
    if (process.alive || waits(process) !== undefined) void begin(process)
  }

  return {
    begin,
    async take({ process, turn }, used) {
      if (!hasSecrets(process)) return { secrets: [], release: () => undefined }
      const mine = of(process)
      await mine.refresh()
      for (const name of used)
        if (mine.missing.has(name) || !mine.pages.has(name))
          throw mine.missing.get(name) ?? takenAway(process.name, name)
      const releases: (() => void)[] = []
      const secrets = [...mine.pages].map(([name, { page: source }]): BrokeredSecret => {
        // What code may not name it may not send either, whatever it writes: it is only looked for.
        const placeholder = isSecretName(name) ? placeholderOf(turn.salt ?? '', name) : ''
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
    async look(process, name) {
      const mine = of(process)
      const known = mine.missing.has(name) ? undefined : mine.pages.get(name)
      if (known === undefined) await mine.refresh()
      const page = mine.missing.has(name) ? undefined : mine.pages.get(name)?.page
      if (page === undefined) throw mine.missing.get(name) ?? takenAway(process.name, name)
      return page
    },
    *live() {
      for (const [process, { pages }] of processes)
        for (const [name, { page, isPublic }] of pages) if (isPublic !== true) yield { name, process, page }
    },
    changed(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    missing: (process) => processes.get(process)?.missing ?? new Map(),
    waits,
    moved,
    heard({ type, process: name, epoch }) {
      const mine = processes.get(name)
      if (mine === undefined) return
      if (type === 'incarnation.exited' || type === 'incarnation.released') mine.lives.over(epoch)
      const process = processOf(name)
      if (process === undefined || type === 'process.removed') return end(name)
      if (type === 'process.deployed') moved(process)
      if (endsLives.has(type) && !process.alive && !isMeantToRun(process)) end(name)
    },
    close() {
      for (const name of [...processes.keys()]) end(name)
      listeners.clear()
    },
  }
}

const takenAway = (process: string, name: string): VigilError =>
  new VigilError('SECRET_MISSING', `the secret ${name} of ${process} was taken away meanwhile`)

const endsLives: ReadonlySet<string> = new Set(['incarnation.exited', 'process.desired', 'process.parked'])

const isMeantToRun = ({ desired, parked }: ProcessFold): boolean => desired !== 'stopped' && parked === undefined
