import { type BrokeredSecret, type FileSystem, type Random, VigilError } from '@vigil/protocol'
import type { LiveSecrets } from '../vault/live-redaction.ts'
import { zero } from '../vault/secret-page.ts'
import { type Read, readSource } from '../vault/secret-source.ts'
import type { ProviderSettings } from './provider-settings.ts'

/** The keys of providers, in pages that are zeroed when they are not needed any more. */
export interface ProviderKeys {
  /** For one call; undefined: none is needed. @throws MODEL_KEY_MISSING */
  take(provider: string): Promise<BrokeredSecret | undefined>
  /** Why the key is not there, as of the last look. */
  missing(provider: string): string | undefined
  /** Looks at those that lie in files. */
  look(): Promise<void>
  /** Those that were used, and when that changes. */
  readonly used: LiveSecrets
  close(): void
}

export interface ProviderKeysParts {
  readonly providers: ReadonlyMap<string, ProviderSettings>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly fileSystem: Pick<FileSystem, 'open' | 'stat'>
  readonly random: Random
}

export function providerKeys({ providers, env, fileSystem, random }: ProviderKeysParts): ProviderKeys {
  const kept = new Map<string, Read>()
  const missing = new Map<string, string>()
  const listeners = new Set<() => void>()
  const changed = (): void => {
    for (const listener of listeners) listener()
  }
  let reading = Promise.resolve()

  const read = async ({ name, keySource }: ProviderSettings): Promise<void> => {
    if (keySource === undefined) return
    const before = kept.get(name)
    const found = await readSource({ env, fileSystem }, keySource, before)
    if (typeof found === 'string') return void missing.set(name, found)
    missing.delete(name)
    kept.set(name, found)
    if (before === found) return
    if (before !== undefined) zero(before.page)
    changed()
  }
  /** One at a time: two would zero each other's page. */
  const refresh = (settings: ProviderSettings): Promise<void> => {
    reading = reading.then(() => read(settings))
    return reading
  }

  return {
    async take(name) {
      const settings = providers.get(name)
      const keySource = settings?.keySource
      if (settings === undefined || keySource === undefined) return undefined
      if (kept.get(name) === undefined || 'file' in keySource) await refresh(settings)
      const page = kept.get(name)?.page
      const why = missing.get(name)
      if (page === undefined || why !== undefined) throw keyMissing(name, why ?? 'it is not there')
      // Another one for each call: what a model or a document makes up stands for nothing.
      const placeholder = `vigil-secret.${name}.${Buffer.from(random.bytes(16)).toString('hex')}`
      return { name: `${name} key`, placeholder, page }
    },
    missing(name) {
      const source = providers.get(name)?.keySource
      if (source === undefined || !('variable' in source)) return missing.get(name)
      const { variable, fallback } = source
      return env[variable] || fallback ? undefined : `the variable ${variable} is not set`
    },
    async look() {
      for (const settings of providers.values())
        if (settings.keySource !== undefined && 'file' in settings.keySource) await refresh(settings)
    },
    used: {
      *live() {
        for (const [name, { page, isPublic }] of kept)
          if (isPublic !== true) yield { name: `${name} key`, process: '@runtime', page }
      },
      changed(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    close() {
      for (const { page } of kept.values()) zero(page)
      kept.clear()
      changed()
    },
  }
}

export const keyMissing = (provider: string, why: string): VigilError =>
  new VigilError('MODEL_KEY_MISSING', `the key of ${provider}: ${why}`)
