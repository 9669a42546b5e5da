import { type Clock, limits, type ProcessName, type RecordDraft, VigilError } from '@vigil/protocol'
import type { Attention } from '../attention.ts'
import type { ProcessFold, SecretFold } from '../fold/process-fold.ts'
import { hookSecretName } from '../fold/secret-fold.ts'
import { triggersOf } from '../fold/trigger-layers.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import { isSecretName, type KnownSecret, knownSecret, knownSecrets } from '../vault/known-secrets.ts'
import { secretBytes, secretPage, zero } from '../vault/secret-page.ts'
import type { SecretStore } from '../vault/secret-store.ts'
import type { RevokedSecret, SecretStatus } from '../vault/secret-surface.ts'
import type { Vault } from '../vault/vault.ts'

/** What people do with the secrets of a process that is there: a layer of their own over its manifest. */
export interface SecretOperations {
  /** What it waits for. */
  attention(process: ProcessFold): Attention[]
  list(process: ProcessFold): SecretStatus[]
  /**
   * A new version, which is used from now on instead of what the manifest names; its bytes are zeroed here.
   * @throws INVALID_ARGUMENT for a bad name or value · TOO_LARGE
   */
  set(process: ProcessFold, name: string, given: GivenSecret): Promise<SecretStatus>
  /** Makes one for a hook, unless there is another version than `seen` by now. */
  generate(
    process: ProcessFold,
    name: string,
    made: { readonly bytes: Uint8Array; readonly seen: number },
  ): Promise<void>
  /** Nobody may use them any more, wherever they lie: one, or all. @throws SECRET_NOT_FOUND */
  revoke(process: ProcessFold, by: string, name?: string): Promise<RevokedSecret[]>
  /** What was made here, for whoever has to know it elsewhere. @throws SECRET_NOT_FOUND, SECRET_DENIED */
  reveal(process: ProcessFold, name: string, by: string): Promise<{ readonly version: number; readonly value: string }>
}

interface NewVersion {
  readonly by: string
  readonly origin?: 'set' | 'generated'
  /** Milliseconds; default that of the manifest. */
  readonly ttl?: number | undefined
}
type GivenSecret = Omit<NewVersion, 'origin'> & { readonly bytes: Uint8Array }

export interface SecretParts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly store: SecretStore
  readonly vault: Pick<Vault, 'moved' | 'missing' | 'waits'>
}

export function secretOperations({ log, clock, store, vault }: SecretParts): SecretOperations {
  /** One change of a process at a time: two would give their secrets the same version. */
  const queues = new Map<ProcessFold, Promise<unknown>>()
  const alone = <T>(process: ProcessFold, act: () => Promise<T>): Promise<T> => {
    const turn = (queues.get(process) ?? Promise.resolve()).catch(() => undefined).then(act)
    queues.set(process, turn)
    const leave = (): void => {
      if (queues.get(process) === turn) queues.delete(process)
    }
    turn.then(leave, leave)
    return turn
  }

  const commit = async (process: ProcessFold, drafts: readonly Draft[]): Promise<void> => {
    if (log.world.get(process.name) !== process)
      throw new VigilError('PROCESS_NOT_FOUND', `"${process.name}" was removed meanwhile`)
    const author = { process: process.name as ProcessName, epoch: process.epoch }
    await log.commitDurably(drafts.map((draft) => ({ ...author, ...draft }) as RecordDraft))
    vault.moved(process)
  }

  const put = async (process: ProcessFold, name: string, page: SharedArrayBuffer, given: NewVersion) => {
    log.assertRoom()
    const { secrets } = process
    if (!secrets.has(name) && secrets.size >= limits.setSecrets)
      throw new VigilError(
        'TOO_LARGE',
        `"${process.name}" has ${secrets.size} secrets that were set, no more are taken`,
      )
    const old = secrets.get(name)?.version ?? 0
    const place = { process: process.name, name, version: old + 1 }
    const { ttl = knownSecret(process, name)?.manifest?.ttlMs, origin = 'set', by } = given
    const expires = ttl === undefined ? {} : { expires_at: new Date(clock.now() + ttl).toISOString() }
    // Before the record says that it is there. What is not on record is nobody's, and written over by the next.
    await store.put(place, page)
    const data = { name, version: place.version, origin, kept: store.kept, ...expires, by }
    await commit(process, [{ type: 'secret.rotated', data }])
    // What stays is taken away at the next start.
    if (old > 0) await store.remove({ ...place, version: old }).catch(() => undefined)
  }

  return {
    attention(process) {
      const why = vault.waits(process)
      return why === undefined ? [] : [{ what: `runs nothing: ${why.message}`, since: why.since }]
    },
    list: (process) => statuses(process, vault.missing(process.name)),
    async set(process, name, given) {
      const page = secretPage(given.bytes)
      try {
        checkGiven(process, name, secretBytes(page).byteLength)
        await alone(process, () => put(process, name, page, given))
      } finally {
        zero(page)
      }
      return statusNamed(process, name, vault.missing(process.name))
    },
    async generate(process, name, { bytes, seen }) {
      const page = secretPage(bytes)
      const given = { by: 'policy', origin: 'generated' } as const
      try {
        await alone(process, async () => {
          if ((process.secrets.get(name)?.version ?? 0) === seen) await put(process, name, page, given)
        })
      } finally {
        zero(page)
      }
    },
    revoke: (process, by, only) =>
      alone(process, async () => {
        const all = statuses(process, vault.missing(process.name))
        const wanted = all.filter(({ name, revoked }) => (only === undefined ? revoked === undefined : name === only))
        if (only !== undefined && wanted.length === 0) throw unknown(process, only, all)
        const versionOf = (name: string): number => process.secrets.get(name)?.version ?? 0
        const places = wanted.map(({ name }) => ({ process: process.name, name, version: versionOf(name) }))
        if (wanted.length > 0)
          await commit(
            process,
            places.map(({ name, version }) => ({ type: 'secret.revoked', data: { name, version, by } })),
          )
        for (const place of places) await store.remove(place)
        return wanted.map(({ name, source, where }) => ({ name, source, ...(where === undefined ? {} : { where }) }))
      }),
    reveal: (process, name, by) =>
      alone(process, async () => {
        const laid = process.secrets.get(name)
        if (laid === undefined) throw unknown(process, name, statuses(process, vault.missing(process.name)))
        if (laid.origin !== 'generated' || laid.revoked !== undefined)
          throw new VigilError(
            'SECRET_DENIED',
            `expected a secret that Vigil made itself, found ${name} of ${process.name}, which was ${laid.revoked === undefined ? laid.origin : 'revoked'}`,
          )
        const { version } = laid
        const page = await store.get({ process: process.name, name, version }, laid.kept)
        try {
          // Nobody sees it without a record that says so.
          await commit(process, [{ type: 'secret.revealed', data: { name, version, by } }])
          return { version, value: Buffer.from(secretBytes(page)).toString() }
        } finally {
          zero(page)
        }
      }),
  }
}

type Draft = {
  [T in 'secret.rotated' | 'secret.revoked' | 'secret.revealed']: Pick<
    Extract<RecordDraft, { type: T }>,
    'type' | 'data'
  >
}['secret.rotated' | 'secret.revoked' | 'secret.revealed']

function checkGiven(process: ProcessFold, name: string, length: number): void {
  const isHook = triggersOf(process).some((trigger) => hookSecretName(trigger) === name)
  if (!isSecretName(name) && !isHook)
    throw new VigilError(
      'INVALID_ARGUMENT',
      `expected a letter, then up to 63 letters, digits, _ or - as the name of a secret, found "${name}"`,
    )
  if (length === 0) throw new VigilError('INVALID_ARGUMENT', `expected the bytes of the secret ${name}, found none`)
  if (length > limits.secretBytes)
    throw new VigilError('TOO_LARGE', `expected a secret of at most ${limits.secretBytes} bytes, found ${length}`)
}

const unknown = ({ name: process }: ProcessFold, name: string, all: readonly SecretStatus[]): VigilError =>
  new VigilError(
    'SECRET_NOT_FOUND',
    `${process} has no secret ${name}; it has: ${all.map((each) => each.name).join(', ') || 'none'}`,
  )

const statusNamed = (process: ProcessFold, name: string, missing: ReadonlyMap<string, VigilError>): SecretStatus =>
  statuses(process, missing).find((each) => each.name === name) as SecretStatus

/** In the order of their names. */
function statuses(process: ProcessFold, missing: ReadonlyMap<string, VigilError>): SecretStatus[] {
  return [...knownSecrets(process)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => statusOf(name, each, { use: process.secretUses.get(name), why: missing.get(name)?.message }))
}

function statusOf(
  name: string,
  { manifest, laid }: KnownSecret,
  { use, why }: { readonly use: SecretStatus['lastUse']; readonly why: string | undefined },
): SecretStatus {
  const { hosts, ttlMs } = manifest ?? {}
  return {
    name,
    ...(laid !== undefined && laid.version > 0 ? setSource(laid) : manifestSource(manifest)),
    ...(hosts === undefined ? {} : { hosts }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(laid?.revoked === undefined ? {} : { revoked: laid.revoked }),
    ...(use === undefined ? {} : { lastUse: use }),
    ...(why === undefined || laid?.revoked !== undefined ? {} : { missing: why }),
  }
}

const setSource = ({ version, at, origin, kept, expiresAt }: SecretFold) => ({
  source: origin === 'generated' ? ('generated' as const) : ('set' as const),
  version,
  since: at,
  kept,
  ...(expiresAt === undefined ? {} : { expiresAt }),
})

function manifestSource(manifest: KnownSecret['manifest']) {
  if (manifest === undefined) return { source: 'set' as const }
  return 'file' in manifest
    ? { source: 'file' as const, where: manifest.file }
    : { source: 'variable' as const, where: manifest.variable }
}
