import { join } from 'node:path'
import { type FileSystem, type Random, VigilError } from '@vigil/protocol'
import type { SecretFold } from '../fold/process-fold.ts'
import { type SealedPlace, seal, unseal } from './seal.ts'
import { secretPage, zero } from './secret-page.ts'
import { folderShelf, memoryShelf, type Shelf } from './shelf.ts'
import { keyFiles, vaultKey } from './vault-key.ts'

/**
 * Secrets that were set or made here, each version sealed: on the disk under the key of the vault, or without one in memory under
 * a key that ends with this supervisor.
 */
export interface SecretStore {
  /** Where a key may lie that no agent may read. */
  readonly keyFiles: readonly string[]
  /** Where a new one will be. */
  readonly kept: SecretFold['kept']
  /** Resolves when it outlives what `kept` says. */
  put(place: SealedPlace, page: SharedArrayBuffer): Promise<void>
  /** @throws SECRET_MISSING exactly this version is not there · VAULT_KEY_WRONG · VAULT_DAMAGED */
  get(place: SealedPlace, kept: SecretFold['kept']): Promise<SharedArrayBuffer>
  remove(place: SealedPlace): Promise<void>
  keepOnly: Shelf['keepOnly']
  close(): void
}

export interface SecretStoreParts {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly keyFile: string | undefined
  readonly fileSystem: FileSystem
  readonly random: Random
  readonly dataDirectory: string | undefined
}

/** @throws INVALID_CONFIG there is a key, and it is none */
export async function openSecretStore({ dataDirectory, random, ...parts }: SecretStoreParts): Promise<SecretStore> {
  const given = await vaultKey(parts)
  const folder = dataDirectory === undefined ? undefined : folderShelf(parts.fileSystem, join(dataDirectory, 'vault'))
  const passing = secretPage(random.bytes(32))
  const memory = memoryShelf()
  const isSealed = given !== undefined && folder !== undefined
  const [key, shelf] = isSealed ? [given, folder] : [passing, memory]

  return {
    keyFiles: keyFiles(parts),
    kept: isSealed ? 'sealed' : 'memory',
    put: (place, page) => shelf.put(place, seal({ key, random }, place, page)),
    async get(place, kept) {
      if (kept === 'sealed' && !isSealed)
        throw missing(place, 'it is sealed on the disk, and there is no key: set VIGIL_KEY')
      const sealed = await (kept === 'sealed' ? shelf : memory).get(place)
      if (sealed !== undefined) return unseal(kept === 'sealed' ? key : passing, place, sealed)
      throw missing(
        place,
        kept === 'memory'
          ? 'it was kept in memory, by a supervisor that has ended'
          : 'the vault on this disk does not hold that version',
      )
    },
    async remove(place) {
      await memory.remove(place)
      await folder?.remove(place)
    },
    async keepOnly(needed) {
      await memory.keepOnly(needed)
      await folder?.keepOnly(needed)
    },
    close() {
      zero(passing)
      if (given !== undefined) zero(given)
    },
  }
}

const missing = ({ process, name, version }: SealedPlace, why: string): VigilError =>
  new VigilError(
    'SECRET_MISSING',
    `the secret ${name} of ${process}: version ${version} is the last on record, and ${why}; set it again: vigil secrets set ${process} ${name}`,
  )
