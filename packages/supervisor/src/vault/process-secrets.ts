import { isDeepStrictEqual } from 'node:util'
import { type Clock, type Timer, VigilError } from '@vigil/protocol'
import type { AgentSecret, Manifest } from '../manifests/manifest.ts'
import { type LifePages, lifePages } from './life-pages.ts'
import { zero } from './secret-page.ts'
import { type Read, readSource, type SecretSources } from './secret-source.ts'

/** The source pages of one process, live from its first life on until it is not meant to run, and what its lives use of them. */
export interface ProcessSecrets {
  readonly lives: LifePages
  /** What is live, by name. */
  readonly pages: ReadonlyMap<string, Pick<Read, 'page' | 'isPublic'>>
  /** Reads what is not there yet or has changed; resolves with why names are missing. */
  refresh(manifest: Manifest): Promise<ReadonlyMap<string, string>>
  /** Drops what this manifest does not name any more, or takes from elsewhere. */
  keepOnly(manifest: Manifest): void
  /** Zeroes everything, for good. */
  end(): void
}

interface Kept extends Read {
  readonly source: AgentSecret
  readonly timer: Timer | undefined
}

export function processSecrets(
  { clock, ...sources }: SecretSources & { readonly clock: Clock },
  changed: () => void,
): ProcessSecrets {
  const kept = new Map<string, Kept>()
  const lives = lifePages()
  let ended = false
  let reading: Promise<ReadonlyMap<string, string>> | undefined

  const drop = (name: string): void => {
    const { page, timer } = kept.get(name) ?? {}
    timer?.cancel()
    if (page !== undefined) zero(page)
    if (kept.delete(name)) changed()
  }

  const keep = (name: string, source: AgentSecret, read: Read): void => {
    if (ended) return zero(read.page)
    lives.replaced(name)
    drop(name)
    const expire = (): void => {
      lives.zero(name)
      drop(name)
    }
    const timer = source.ttlMs === undefined ? undefined : clock.setTimer(source.ttlMs, expire)
    kept.set(name, { ...read, source, timer })
    changed()
  }

  const refresh = async (manifest: Manifest): Promise<ReadonlyMap<string, string>> => {
    const missing = new Map<string, string>()
    for (const [name, source] of Object.entries(manifest.secrets ?? {})) {
      const before = kept.get(name)
      const found = await readSource(sources, source, before)
      if (typeof found === 'string') missing.set(name, found)
      else if (found !== before) keep(name, source, found)
    }
    return missing
  }

  return {
    lives,
    pages: kept,
    refresh(manifest) {
      // One at a time: two would read one file twice, and zero each other's page.
      const next = (reading ?? Promise.resolve()).then(() => refresh(manifest))
      reading = next
      return next
    },
    keepOnly({ secrets = {} }) {
      for (const [name, { source }] of [...kept]) {
        if (isDeepStrictEqual(secrets[name], source)) continue
        lives.zero(name)
        drop(name)
      }
    },
    end() {
      ended = true
      lives.zero()
      for (const name of [...kept.keys()]) drop(name)
    },
  }
}

export const missingSecret = (process: string, name: string, why: string): VigilError =>
  new VigilError('SECRET_MISSING', `the secret ${name} of ${process}: ${why}`)
