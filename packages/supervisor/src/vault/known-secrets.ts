import { VigilError } from '@vigil/protocol'
import type { ProcessFold, SecretFold } from '../fold/process-fold.ts'
import type { AgentSecret, Manifest } from '../manifests/manifest.ts'
import { serverSecrets } from '../manifests/servers.ts'

/** One secret of a process: what its manifest says of it, and what people laid over that. */
export interface KnownSecret {
  readonly manifest?: AgentSecret
  readonly laid?: SecretFold
}

type Layers = Pick<ProcessFold, 'manifest' | 'secrets'>

/** Such as code may name; what the vault makes for hooks has another form. */
const secretName = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
export const isSecretName = (name: string): boolean => secretName.test(name)

export function knownSecret({ manifest, secrets }: Layers, name: string): KnownSecret | undefined {
  const own = ownSecrets(manifest)
  const laid = secrets.get(name)
  if (!Object.hasOwn(own, name)) return laid === undefined ? undefined : { laid }
  return { manifest: own[name] as AgentSecret, ...(laid === undefined ? {} : { laid }) }
}

export function knownSecrets(process: Layers): Map<string, KnownSecret> {
  const names = new Set([...Object.keys(ownSecrets(process.manifest)), ...process.secrets.keys()])
  return new Map([...names].map((name) => [name, knownSecret(process, name) ?? {}]))
}

/** What code may name, and what its servers are given. */
const ownSecrets = (manifest: Manifest): Readonly<Record<string, AgentSecret>> =>
  manifest.servers === undefined ? (manifest.secrets ?? {}) : { ...manifest.secrets, ...serverSecrets(manifest) }

export const hasSecrets = ({ manifest, secrets }: Layers): boolean =>
  manifest.secrets !== undefined || manifest.servers !== undefined || secrets.size > 0

/** Why nobody may use it, if so. */
export function refusalOf(process: string, name: string, { laid }: KnownSecret): VigilError | undefined {
  if (laid?.revoked === undefined) return undefined
  const { at, by, expired } = laid.revoked
  const again = `set it again: vigil secrets set ${process} ${name}`
  return expired
    ? new VigilError('SECRET_MISSING', `the secret ${name} of ${process}: its time to live passed at ${at}; ${again}`)
    : new VigilError('SECRET_DENIED', `the secret ${name} of ${process} was revoked by ${by} at ${at}; ${again}`)
}
