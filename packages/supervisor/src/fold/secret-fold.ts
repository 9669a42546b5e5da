import type { JournalRecord, RecordType } from '@vigil/protocol'
import type { AgentSecret, Manifest, Trigger } from '../manifests/manifest.ts'
import type { ProcessFold, SecretFold } from './process-fold.ts'

type Of<T extends RecordType> = Extract<JournalRecord, { type: T }>

export const foldSecretUsed = (process: ProcessFold, { at, data }: Of<'secret.used'>): void =>
  void process.secretUses.set(data.name, data.host === undefined ? { at } : { at, host: data.host })

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
      : sourceOf(old[name]) === sourceOf(now[name])
    if (!stays) process.secrets.delete(name)
  }
  for (const name of process.secretUses.keys())
    if (!Object.hasOwn(now, name) && !process.secrets.has(name)) process.secretUses.delete(name)
}

function sourceOf(secret: AgentSecret | undefined): string | undefined {
  if (secret === undefined) return undefined
  return JSON.stringify('file' in secret ? [secret.file] : [secret.variable, secret.fallback ?? null])
}

const hookPrefix = 'hook:'

/** Under which the vault keeps what it makes for a hook whose manifest names no secret; undefined for all others. */
export const hookSecretName = (trigger: Trigger): string | undefined =>
  trigger.type === 'webhook' && trigger.verification?.secrets.length === 0
    ? `${hookPrefix}${trigger.webhookPath}`
    : undefined
