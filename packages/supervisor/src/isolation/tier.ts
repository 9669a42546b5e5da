import { type MachineFacts, type Permissions, stopLadder, VigilError } from '@vigil/protocol'
import type { Manifest } from '../manifests/manifest.ts'

/** Where an agent lives, and what that really guarantees on this machine. */
export interface Tier {
  readonly isolation: 'process' | 'thread'
  /** In the words of the table; what the machine cannot give is said first. */
  readonly guarantee: string
  /** The longest time from a stop to the death of the cell, milliseconds. */
  readonly stopBoundMs: number
  /** What the manifest demands and the machine cannot give. */
  readonly missing: readonly string[]
}

const threadGuarantee =
  "fault isolation for well-behaved code; memory counts heap and Buffers (WebAssembly and SharedArrayBuffer only against the cell's sum); a hard abort costs the cell, and each agent with an open turn goes on alone (quarantine) until that turn ends; no files, no network, no child processes, no addons, no inspector"

/** May its thread sit beside those of others? An agent that brings no code does, unless it asks for more. */
export const sharesCell = ({ isolation, entrypoint }: Pick<Manifest, 'isolation' | 'entrypoint'>): boolean =>
  isolation === 'thread' || (isolation === 'auto' && entrypoint === undefined)

/** Pure: the tier of a manifest on a machine. Agents that bring code get a process of their own unless they ask for less. */
export function tierOf(
  manifest: Pick<Manifest, 'isolation' | 'entrypoint' | 'permissions' | 'shutdownTimeoutMs'>,
  machine: MachineFacts,
): Tier {
  const isolation = sharesCell(manifest) ? 'thread' : 'process'
  const missing = [
    ...(machine.residentMemory ? [] : ['memory limits (the memory of other processes cannot be read here)']),
    ...(machine.permissions ? [] : ['denial of files, network and child processes (this node has no --allow-net)']),
    ...(isolation === 'process' || machine.weighsThreads
      ? []
      : ['memory limits of single threads (this node has no worker.getHeapStatistics)']),
  ]
  const given = isolation === 'thread' ? threadGuarantee : processGuarantee(manifest.permissions)
  const { askMs, terminateMs, buryMs } = stopLadder
  return {
    isolation,
    guarantee: missing.length === 0 ? given : `degraded, without ${missing.join(' and ')}; else: ${given}`,
    stopBoundMs: manifest.shutdownTimeoutMs + askMs + terminateMs + buryMs,
    missing,
  }
}

/** @throws GUARANTEE_UNAVAILABLE when the machine cannot give what the manifest demands and it does not say `degrade: true` */
export function demandTier(manifest: Manifest, machine: MachineFacts): void {
  const { isolation, missing } = tierOf(manifest, machine)
  if (missing.length === 0 || manifest.degrade) return
  const message = `"${manifest.name}": expected a machine that gives isolation ${isolation} whole, found none of: ${missing.join('; ')}`
  throw new VigilError('GUARANTEE_UNAVAILABLE', message, { details: { missing } })
}

/** What the launcher is to open for the guest; undefined: nothing. */
export function permissionsOf({ permissions, entrypoint }: Manifest): Permissions | undefined {
  const { addons, ...rest } = permissions
  if (grantsOf(permissions).length === 0) return undefined
  return { ...rest, ...(addons && entrypoint !== undefined ? { addons: entrypoint } : {}) }
}

function processGuarantee(permissions: Manifest['permissions']): string {
  const { rawNetwork, fsRead, fsWrite, childProcess, addons } = permissions
  // What is started or loaded is no code of ours, and node's permissions end there.
  const isBound = !childProcess && !addons
  const denied = [
    ...(isBound && fsRead.length + fsWrite.length === 0 ? ['no files'] : []),
    ...(isBound && !rawNetwork ? ['no network'] : []),
    ...(isBound ? ['no child processes', 'no addons'] : []),
    'no inspector',
  ]
  const grants = grantsOf(permissions)
  const past =
    grants.length === 0
      ? 'no sight of another agent'
      : `past the gate it may: ${grants.join(', ')} (${isBound ? '' : 'what it starts or loads may do all that the user of the supervisor may; '}budget, secrets and once-only do not bind these; it starts in a cold cell)`
  return `memory (everything, RSS of the process group) and kill isolation; ${denied.join(', ')}; ${past}`
}

const grantsOf = ({ rawNetwork, fsRead, fsWrite, childProcess, addons }: Manifest['permissions']): string[] => [
  ...fsRead.map((path) => `read ${path}`),
  ...fsWrite.map((path) => `write ${path}`),
  ...(rawNetwork ? ['use the network'] : []),
  ...(childProcess ? ['start processes'] : []),
  ...(addons ? ['load addons'] : []),
]
