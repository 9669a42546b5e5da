import { type Clock, errorCode, type Timer, VigilError } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import { type KnownSecret, knownSecrets, refusalOf } from './known-secrets.ts'
import { type LifePages, lifePages } from './life-pages.ts'
import { zero } from './secret-page.ts'
import { type Read, readSource, type SecretSources } from './secret-source.ts'
import type { SecretStore } from './secret-store.ts'

/** The source pages of one process, live from its first life on until it is not meant to run, and what its lives use of them. */
export interface ProcessSecrets {
  readonly process: ProcessFold
  readonly lives: LifePages
  /** What is live, by name. */
  readonly pages: ReadonlyMap<string, Pick<Read, 'page' | 'isPublic'>>
  /** Why others are not, as of the last look. */
  readonly missing: ReadonlyMap<string, VigilError>
  /** Reads what is not there yet or has changed. Never rejects. */
  refresh(): Promise<void>
  /** Drops what is not known any more, or lies elsewhere; `revoked` also while it is in use. */
  prune(): void
  /** Zeroes everything, for good. */
  end(): void
}

interface Kept extends Read {
  /** Where it was read from. */
  readonly place: string
  readonly timer: Timer | undefined
}

export interface ProcessSecretsParts extends SecretSources {
  readonly clock: Clock
  readonly store: SecretStore
  readonly process: ProcessFold
  readonly changed: () => void
}

export function processSecrets({ clock, store, process, changed, ...sources }: ProcessSecretsParts): ProcessSecrets {
  const kept = new Map<string, Kept>()
  const missing = new Map<string, VigilError>()
  const lives = lifePages()
  let ended = false
  let reading = Promise.resolve()

  const drop = (name: string): void => {
    const { page, timer } = kept.get(name) ?? {}
    timer?.cancel()
    if (page !== undefined) zero(page)
    if (kept.delete(name)) changed()
  }
  const revoke = (name: string): void => {
    lives.zero(name)
    drop(name)
  }

  const keep = (name: string, known: KnownSecret, read: Read): void => {
    // While it was read it may have been taken away.
    const now = knownSecrets(process).get(name)
    if (ended || now === undefined || placeOf(now) !== placeOf(known)) return zero(read.page)
    lives.replaced(name)
    drop(name)
    const ttlMs = isLaid(known) ? undefined : known.manifest?.ttlMs
    const timer = ttlMs === undefined ? undefined : clock.setTimer(ttlMs, () => revoke(name))
    kept.set(name, { ...read, place: placeOf(known), timer })
    changed()
  }

  const read = async (name: string, known: KnownSecret, before: Kept | undefined): Promise<Read> => {
    const refused = refusalOf(process.name, name, known)
    if (refused !== undefined) throw refused
    const { laid, manifest } = known
    if (laid !== undefined && isLaid(known)) {
      const { version, kept: where } = laid
      if (before !== undefined) return before
      return { version: '', page: await store.get({ process: process.name, name, version }, where) }
    }
    const found = manifest === undefined ? 'nothing says where it lies' : await readSource(sources, manifest, before)
    if (typeof found !== 'string') return found
    throw new VigilError('SECRET_MISSING', `the secret ${name} of ${process.name}: ${found}`)
  }

  const refresh = async (): Promise<void> => {
    for (const [name, known] of knownSecrets(process)) {
      const last = kept.get(name)
      const before = last?.place === placeOf(known) ? last : undefined
      try {
        const found = await read(name, known, before)
        missing.delete(name)
        if (found !== before) keep(name, known, found)
      } catch (error) {
        const why = errorCode(error) === undefined ? unreadable(name, error) : (error as VigilError)
        missing.set(name, why)
      }
    }
  }
  const unreadable = (name: string, error: unknown): VigilError =>
    new VigilError('SECRET_MISSING', `the secret ${name} of ${process.name}: ${(error as Error).message}`)

  return {
    process,
    lives,
    pages: kept,
    missing,
    refresh() {
      // One at a time: two would read one file twice, and zero each other's page.
      reading = reading.then(refresh)
      return reading
    },
    prune() {
      const known = knownSecrets(process)
      for (const [name, { place }] of [...kept]) {
        const now = known.get(name)
        if (now === undefined || now.laid?.revoked !== undefined) revoke(name)
        else if (placeOf(now) !== place) {
          lives.replaced(name)
          drop(name)
        }
      }
      for (const name of missing.keys()) if (!known.has(name)) missing.delete(name)
    },
    end() {
      ended = true
      lives.zero()
      for (const name of [...kept.keys()]) drop(name)
    },
  }
}

const isLaid = ({ laid }: KnownSecret): boolean => laid !== undefined && laid.version > 0

function placeOf({ manifest, laid }: KnownSecret): string {
  if (laid !== undefined && laid.version > 0) return `version ${laid.version}`
  return JSON.stringify(manifest)
}
