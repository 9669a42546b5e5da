import { isDeepStrictEqual } from 'node:util'
import type { JournalRecord, RecordType } from '@vigil/protocol'
import type { AgentSecret, Manifest, Trigger } from '../manifests/manifest.ts'
import type { ProcessFold } from './process-fold.ts'

type Of<T extends RecordType> = Extract<JournalRecord, { type: T }>

/** What people did with one secret of a process: a layer over its manifest. Never a value. */
export interface SecretFold {
  /** Of what was set or made here; 0: nothing was. */
  readonly version: number
  readonly at: string
  readonly origin: 'manifest' | 'set' | 'generated'
  /** `sealed`: on the disk; `memory`: of the supervisor that took it. */
  readonly kept: 'sealed' | 'memory'
  readonly expiresAt?: string
  /** Nobody may use it any more. */
  readonly revoked?: { readonly at: string; readonly by: string; readonly expired: boolean }
}

export interface SecretUse {
  readonly at: string
  readonly host: string
}

export const foldSecretUsed = (process: ProcessFold, { at, data }: Of<'secret.used'>): void =>
  void process.secretUses.set(data.name, { at, host: data.host })

export function foldSecretRotated(process: ProcessFold, { at, data }: Of<'secret.rotated'>): void {
  const { name, version, origin, kept, expires_at: expiresAt } = data
  process.secrets.set(name, { version, at, origin, kept, ...(expiresAt === undefined ? {} : { expiresAt }) })
}

export function foldSecretRevoked(process: ProcessFold, { at, data }: Of<'secret.revoked'>): void {
  const { name, version, by, expired = false } = data
  const { revoked: _, ...before } = process.secrets.get(name) ?? ofManifest(at)
  process.secrets.set(name, { ...before, version, revoked: { at, by, expired } })
}

const ofManifest = (at: string): SecretFold => ({ version: 0, at, origin: 'manifest', kept: 'memory' })

/** A manifest that takes a secret from elsewhere, or has no such hook any more, drops what was laid over it. */
export function onSecretsOf(process: ProcessFold, before: Manifest, triggers: readonly Trigger[]): void {
  const [old = {}, { secrets: now = {} }] = [before.secrets, process.manifest]
  for (const name of process.secrets.keys()) {
    const stays = name.startsWith(hookPrefix)
      ? triggers.some((trigger) => hookSecretName(trigger) === name)
      : isDeepStrictEqual(sourceOf(old[name]), sourceOf(now[name]))
    if (!stays) process.secrets.delete(name)
  }
  for (const name of process.secretUses.keys())
    if (!Object.hasOwn(now, name) && !process.secrets.has(name)) process.secretUses.delete(name)
}

function sourceOf(secret: AgentSecret | undefined): object | undefined {
  if (secret === undefined) return undefined
  return 'file' in secret ? { file: secret.file } : { variable: secret.variable, fallback: secret.fallback }
}

const hookPrefix = 'hook:'

/** Under which the vault keeps what it makes for a hook whose manifest names no secret; undefined for all others. */
export const hookSecretName = (trigger: Trigger): string | undefined =>
  trigger.type === 'webhook' && trigger.verification?.secrets.length === 0
    ? `${hookPrefix}${trigger.webhookPath}`
    : undefined
