import { join } from 'node:path'
import { openFileStore } from '@vigil/journal'
import type { JournalRecord, ProcessName, RecordDraft } from '@vigil/protocol'
import { type SimulatedFileSystem, seededRandom, type VirtualClock } from '@vigil/testkit'
import type { ProcessFold, TurnFold } from '../../packages/supervisor/src/fold/process-fold.ts'
import { applyRecord, type World } from '../../packages/supervisor/src/fold/world.ts'
import type { AgentSecret, Manifest } from '../../packages/supervisor/src/manifests/manifest.ts'
import { recordLog } from '../../packages/supervisor/src/runtime/record-log.ts'
import { isLive, secretBytes } from '../../packages/supervisor/src/vault/secret-page.ts'
import { openSecretStore } from '../../packages/supervisor/src/vault/secret-store.ts'
import { secretsOf } from '../../packages/supervisor/src/vault/secrets.ts'

/** Randomness of their own. */
let boots = 0

/** Ring 0 as far as secrets: a real journal and the vault on one simulated disk, and the process `a`, which lives. */
export async function openSecretRing(
  fileSystem: SimulatedFileSystem,
  clock: VirtualClock,
  env: Readonly<Record<string, string>> = {},
) {
  const journal = await openFileStore({ fileSystem, clock, directory: '/data/journal' })
  const world: World = new Map()
  await journal.replay(0, (record) => applyRecord(world, record))
  const log = recordLog({ journal, world })
  boots += 1
  const random = seededRandom(boots)
  const store = await openSecretStore({ env, keyFile: undefined, fileSystem, random, dataDirectory: '/data' })
  const told: string[] = []
  const secrets = secretsOf({
    ...{ log, clock, random, fileSystem, env, store },
    moved: (name) => told.push(`${name} moved`),
    tell: (_process, _level, message) => told.push(message),
  })
  const records: JournalRecord[] = []
  log.observe((record) => {
    records.push(record)
    secrets.heard(record)
  })
  const author = { process: 'a' as ProcessName, epoch: 1 }
  const commit = (...drafts: Omit<RecordDraft, 'process' | 'epoch'>[]) =>
    log.commitDurably(drafts.map((draft) => ({ ...author, ...draft }) as RecordDraft))

  const deploy = async (own: Record<string, AgentSecret> = {}, triggers: Manifest['triggers'] = []): Promise<void> => {
    const manifest = { name: 'a', context: { initialState: {} }, triggers, secrets: own }
    const data = { revision: 1, manifest, bundle: 'b1', by: 'program' }
    await commit(
      { type: 'process.deployed', data },
      { type: 'process.desired', data: { state: 'running', by: 'program' } },
      { type: 'incarnation.started', data: { bundle: 'b1' } },
    )
  }
  const process = (): ProcessFold => world.get('a') as ProcessFold
  const take = async (name: string) =>
    await secrets.vault.take({ process: process(), turn: { salt: 's' } as TurnFold, key: 'k' }, new Set([name]))

  return {
    secrets,
    store,
    told,
    records,
    world,
    commit,
    deploy,
    process,
    take,
    set: (name: string, value: string, ttl?: number) =>
      secrets.set(process(), name, { bytes: Buffer.from(value), by: 'operator', ttl }),
    /** What an effect would send, or the code of what it would be refused with. */
    use: async (name: string): Promise<string> => {
      try {
        const { secrets: taken, release } = await take(name)
        const page = taken.find((secret) => secret.name === name)?.page as SharedArrayBuffer
        const text = Buffer.from(secretBytes(page)).toString()
        release()
        return text
      } catch (error) {
        return (error as { code: string }).code
      }
    },
    async close() {
      secrets.close()
      store.close()
      await journal.close()
    },
  }
}

export type SecretRing = Awaited<ReturnType<typeof openSecretRing>>

export const isZeroed = (page: SharedArrayBuffer): boolean =>
  !isLive(page) && secretBytes(page).every((byte) => byte === 0)

/** Every file of a folder, with its bytes. */
export async function filesOf(fileSystem: SimulatedFileSystem, folder: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  const stat = await fileSystem.stat(folder)
  if (stat?.kind === 'file') found.set(folder, Buffer.from(await fileSystem.readFile(folder)))
  if (stat?.kind === 'directory')
    for (const name of await fileSystem.readDirectory(folder))
      for (const [path, bytes] of await filesOf(fileSystem, join(folder, name))) found.set(path, bytes)
  return found
}
