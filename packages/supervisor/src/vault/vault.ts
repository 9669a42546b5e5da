import { type BrokeredSecret, type FileSystem, VigilError } from '@vigil/protocol'
import type { AgentSecret, Manifest } from '../manifests/manifest.ts'
import { placeholderOf } from './placeholder.ts'
import { secretPage, zero } from './secret-page.ts'

/** The secrets of agents, read when they are first needed and again when their file changes; nobody but the gateway looks into a page. */
export interface Vault {
  /** Those of a manifest for one turn. `used`: they are needed; of the others what is there. @throws SECRET_MISSING */
  of(manifest: Manifest, salt: string | undefined, used: ReadonlySet<string>): Promise<BrokeredSecret[]>
  /** Zeroes what a process had. */
  forget(process: string): void
  close(): void
}

export interface VaultSources {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly fileSystem: Pick<FileSystem, 'readFile' | 'stat'>
}

interface Kept {
  readonly version: string
  readonly page: SharedArrayBuffer
}

const longestSecret = 64_000

export function vault({ env, fileSystem }: VaultSources): Vault {
  const kept = new Map<string, Map<string, Kept>>()

  const read = async (source: AgentSecret, before: Kept | undefined): Promise<Kept | string> => {
    if ('variable' in source) {
      if (before?.version === source.variable) return before
      const value = env[source.variable]
      if (value === undefined || value === '') return `the variable ${source.variable} is not set`
      return { version: source.variable, page: secretPage(new TextEncoder().encode(value)) }
    }
    try {
      const stat = await fileSystem.stat(source.file)
      if (stat?.kind !== 'file' || stat.size === 0) return `there is nothing in ${source.file}`
      if (stat.size > longestSecret) return `${source.file} is longer than any secret`
      const version = `${source.file} ${stat.mtimeMs} ${stat.size} ${stat.inode}`
      return before?.version === version
        ? before
        : { version, page: secretPage(withoutNewline(await fileSystem.readFile(source.file))) }
    } catch (error) {
      return `${source.file} cannot be read (${(error as { code?: string }).code ?? 'unknown'})`
    }
  }

  return {
    async of({ name: process, secrets = {} }, salt = '', used) {
      const found: BrokeredSecret[] = []
      for (const [name, source] of Object.entries(secrets)) {
        const mine = kept.get(process) ?? new Map<string, Kept>()
        kept.set(process, mine)
        const before = mine.get(name)
        const now = await read(source, before)
        if (typeof now === 'string') {
          if (used.has(name)) throw new VigilError('SECRET_MISSING', `the secret ${name} of ${process}: ${now}`)
          continue
        }
        const present = mine.get(name)
        // Two calls may have read the same new file.
        if (present !== undefined && present !== now) zero(present.page)
        mine.set(name, now)
        found.push({ name, placeholder: placeholderOf(salt, name), page: now.page })
      }
      return found
    },
    forget(process) {
      for (const { page } of kept.get(process)?.values() ?? []) zero(page)
      kept.delete(process)
    },
    close() {
      for (const process of [...kept.keys()]) this.forget(process)
    },
  }
}

/** Of its own memory, so that nothing is left when it is zeroed. */
function withoutNewline(bytes: Uint8Array): Uint8Array {
  const end = bytes.at(-1) !== 0x0a ? bytes.length : bytes.at(-2) === 0x0d ? bytes.length - 2 : bytes.length - 1
  bytes.fill(0, end)
  return bytes.subarray(0, end)
}
