import type { FileSystem } from '@vigil/protocol'
import { LRUCache } from 'lru-cache'
import type { ProcessFold } from '../../fold/process-fold.ts'
import type { SecretReference } from '../../manifests/manifest.ts'
import type { SecretSources } from '../../vault/secret-source.ts'
import type { WebhookTrigger } from './access.ts'
import { schemes } from './schemes.ts'

/** The secrets of hooks, looked up whenever they are needed: nothing that goes on record ever holds one. */
export interface HookSecrets {
  /** Those that are there and have the form that the scheme wants; what no manifest names is made. */
  keys(process: ProcessFold, trigger: WebhookTrigger): Promise<Uint8Array[]>
  /** One secret, or why it is not there. */
  look(reference: SecretReference): Found | Promise<Found>
  /** Why a hook cannot verify anything, as of the last look; undefined: it can, or need not. */
  problem(trigger: WebhookTrigger): string | undefined
}

export interface HookSecretParts {
  readonly env: SecretSources['env']
  readonly fileSystem: Pick<FileSystem, 'readFile' | 'stat'>
  /** What the vault has made for a hook whose manifest names no secret, or makes now. @throws SECRET_DENIED it was revoked */
  readonly made: (process: ProcessFold, trigger: WebhookTrigger) => Promise<string>
}

type Found = { readonly secret: string } | { readonly problem: string }

const filesKept = 1_000
const longestFile = 64_000

export function hookSecrets({ env, fileSystem, made }: HookSecretParts): HookSecrets {
  const files = new LRUCache<string, { readonly version: string; readonly text: string }>({ max: filesKept })
  const problems = new WeakMap<WebhookTrigger, string>()

  const fromFile = async (path: string): Promise<Found> => {
    try {
      const stat = await fileSystem.stat(path)
      if (stat?.kind !== 'file') return { problem: `there is no file ${path}` }
      if (stat.size > longestFile) return { problem: `${path} is longer than any secret` }
      const version = `${stat.mtimeMs} ${stat.size} ${stat.inode}`
      const kept = files.get(path)
      if (kept?.version === version) return { secret: kept.text }
      const text = new TextDecoder().decode(await fileSystem.readFile(path)).replace(/\r?\n$/, '')
      files.set(path, { version, text })
      return { secret: text }
    } catch (error) {
      return { problem: `${path} cannot be read (${(error as { code?: string }).code ?? 'unknown'})` }
    }
  }

  const look = (reference: SecretReference): Found | Promise<Found> => {
    if ('file' in reference) return fromFile(reference.file)
    const secret = env[reference.variable]
    return secret === undefined ? { problem: `the variable ${reference.variable} is not set` } : { secret }
  }

  return {
    look,
    async keys(process, trigger) {
      const { scheme, secrets } = trigger.verification ?? { scheme: 'generic', secrets: [] }
      const missing: string[] = []
      const keys: Uint8Array[] = []
      const take = (found: Found, where: string): void => {
        const key = 'secret' in found && found.secret !== '' ? schemes[scheme].key(found.secret) : undefined
        if (key !== undefined) keys.push(key)
        else missing.push('problem' in found ? found.problem : formless(where, scheme))
      }
      if (secrets.length === 0)
        take(await made(process, trigger).then((secret) => ({ secret }), problemOf), 'what was set')
      for (const reference of secrets)
        take(await look(reference), 'file' in reference ? reference.file : `the variable ${reference.variable}`)
      if (keys.length === 0) problems.set(trigger, missing.join('; '))
      else problems.delete(trigger)
      return keys
    },
    problem: (trigger) => problems.get(trigger),
  }
}

const formless = (where: string, scheme: string): string =>
  `${where} holds no secret of the scheme ${scheme}${scheme === 'standard' ? ' (whsec_ and base64)' : ''}`

const problemOf = (error: unknown): Found => ({ problem: (error as Error).message })
