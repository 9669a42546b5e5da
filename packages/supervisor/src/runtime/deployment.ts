import { type ProcessName, VigilError } from '@vigil/protocol'
import type { Grants } from '../isolation/granted.ts'
import { demandTier } from '../isolation/tier.ts'
import { chargeRecords } from '../ledger/ledger.ts'
import type { ModelCatalog } from '../models/catalog.ts'
import type { DeployRequest } from '../surface.ts'
import type { BundleStore } from './bundle-store.ts'
import type { Member } from './member.ts'
import { moduleOf } from './module-of.ts'
import type { RuntimePorts } from './ports.ts'
import type { RecordLog } from './record-log.ts'

export interface Deployment {
  /** Puts a manifest on record, as a new process or a new revision; starts nothing. */
  deploy(request: DeployRequest): Promise<Member>
  remove(name: string, by: string): Promise<void>
}

export interface DeploymentParts {
  readonly ports: Pick<RuntimePorts, 'journal' | 'compute' | 'machine'>
  readonly log: RecordLog
  readonly grants: Grants
  readonly catalog: ModelCatalog
  readonly bundles: BundleStore
  readonly members: Map<string, Member>
  /** Makes a member of a process that is on record. */
  readonly enroll: (name: string) => Member
  /** A process came, went or has another manifest. */
  readonly changed: (name: string) => void
}

export function deployment({
  ports,
  log,
  grants,
  catalog,
  bundles,
  members,
  enroll,
  changed,
}: DeploymentParts): Deployment {
  const { world } = log

  /** Of who had the name before and was removed: the log takes no record of an older life. */
  const lastEpoch = async (name: string): Promise<number> =>
    (await ports.journal.page({ process: name, limit: 1 })).records[0]?.epoch ?? 0

  return {
    async deploy({ manifest, by, start, bundle, parent, conversation }) {
      log.assertRoom()
      demandTier(manifest, ports.machine)
      // A name that nobody knows is refused while somebody looks.
      if (manifest.thinking !== undefined) catalog.model(manifest.thinking.model)
      await grants.admit(manifest)
      const module = bundle === undefined ? await moduleOf(manifest, ports.compute) : await bundles.get(bundle)
      if (bundle === undefined) await bundles.put(module)
      const before = world.has(manifest.name) ? 0 : await lastEpoch(manifest.name)
      const fold = world.get(manifest.name)
      const author = { process: manifest.name as ProcessName, epoch: fold?.epoch ?? before }
      const unchanged = fold?.bundle === module.hash && JSON.stringify(fold.manifest) === JSON.stringify(manifest)
      if (!unchanged) {
        const data = {
          revision: (fold?.revision ?? 0) + 1,
          manifest: { ...manifest },
          bundle: module.hash,
          by,
          ...(parent === undefined ? {} : { parent }),
          ...(conversation === undefined ? {} : { conversation }),
        }
        // In one batch: a crash between the two would leave an agent that is known and never meant to run.
        const desired = { ...author, type: 'process.desired' as const, data: { state: 'running' as const, by } }
        await log.commitDurably([
          { ...author, type: 'process.deployed', data },
          ...(fold === undefined && start !== false ? [desired] : []),
        ])
      }
      const member = members.get(manifest.name) ?? enroll(manifest.name)
      changed(manifest.name)
      member.process.pump()
      return member
    },
    async remove(name, by) {
      const member = members.get(name)
      if (member === undefined) throw new VigilError('PROCESS_NOT_FOUND', `there is no process "${name}"`)
      await member.process.stop(by)
      await member.triggers.close()
      const { fold } = member.process
      const charged = [...fold.turns.keys()].flatMap((turn) => chargeRecords(world, fold, turn))
      const removed = {
        process: fold.name as ProcessName,
        epoch: fold.epoch,
        type: 'process.removed' as const,
        data: { by },
      }
      await log.commitDurably([...charged, removed])
      members.delete(name)
      changed(name)
    },
  }
}
