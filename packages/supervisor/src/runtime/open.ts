import { createRequire } from 'node:module'
import { join } from 'node:path'
import { cellLauncher, probeMachine, serverProcesses } from '@vigil/isolate/host'
import { lockDataDirectory, nodeFileSystem, openFileStore, openMemoryStore } from '@vigil/journal'
import { type Bundle, faultPoint, type JournalDamage, type ProcessName, VigilError } from '@vigil/protocol'
import packageJson from '../../package.json' with { type: 'json' }
import { type Gateway, httpGateway } from '../gateway/http-gateway.ts'
import { serverConnections } from '../gateway/server-connections.ts'
import type { AgentBudget } from '../ledger/agent-budget.ts'
import { fleetRecords } from '../ledger/fleet.ts'
import type { CellsConfiguration, JournalConfiguration } from '../manifests/configuration.ts'
import type { NoticeTarget } from '../manifests/manifest.ts'
import { modelCatalog } from '../models/catalog.ts'
import { languageModel } from '../models/language-model.ts'
import { providerKeys } from '../models/provider-keys.ts'
import { type Providers, providerSettings } from '../models/provider-settings.ts'
import { systemClock } from '../platform/clock.ts'
import { piscinaCompute } from '../platform/compute.ts'
import { chokidarWatcher } from '../platform/file-watcher.ts'
import { systemRandom } from '../platform/random.ts'
import { wakeAdmission } from '../residency/wake-admission.ts'
import { type Group, groupsOf } from '../supervision/groups.ts'
import type { RecoveryReport, SupervisorEvents } from '../surface.ts'
import type { TriggerTypes } from '../triggers/custom/trigger-type.ts'
import { liveRedaction } from '../vault/live-redaction.ts'
import { openSecretStore } from '../vault/secret-store.ts'
import { bundleStore } from './bundle-store.ts'
import { type CheckpointPolicy, checkpointPolicy } from './checkpointer.ts'
import { damageAlarm } from './damage-alarm.ts'
import type { Ports, RuntimePorts } from './ports.ts'
import { recover } from './recovery.ts'
import { type Runtime, startRuntime } from './runtime.ts'

export interface OpenOptions {
  /** Absolute path; undefined keeps everything in memory. */
  readonly dataDirectory: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly emit: { readonly [E in keyof SupervisorEvents]: SupervisorEvents[E] }
  readonly segmentBytes?: number | undefined
  readonly ballastBytes?: number | undefined
  readonly checkpoints?: Partial<CheckpointPolicy> | undefined
  readonly groups: readonly Group[]
  readonly triggerTypes: TriggerTypes
  readonly notify: NoticeTarget | undefined
  readonly cells: CellsConfiguration
  readonly journal: JournalConfiguration
  /** Replaces single ports; whoever gives one closes it. */
  readonly ports: Partial<Ports>
  /** Where the key of the vault lies, absolute. */
  readonly keyFile?: string | undefined
  /** The purse of all agents together. */
  readonly budget?: AgentBudget | undefined
  /** Of models, beside those that Vigil knows. */
  readonly providers?: Providers | undefined
}

export interface Opened {
  readonly ports: Pick<RuntimePorts, 'clock' | 'http' | 'random' | 'machine' | 'cells' | 'guestRuntime'>
  readonly runtime: Runtime
  readonly report: RecoveryReport
  readonly damaged: readonly JournalDamage[]
  guardPort: Gateway['guardPort']
  close(): Promise<void>
}

const require = createRequire(import.meta.url)

/** A megabyte a second at the most, and four times a day. */
const scrub = { everyMs: 6 * 3_600_000, pauseMs: 250 }

const defaultBallastBytes = 8 * 1_048_576

/** A cell with a small agent takes some 45 MB, a third of it shared with the others. */
const residentByMemory = (memoryMb: number): number => Math.max(16, Math.floor(memoryMb / 64))

/**
 * From nothing to a runtime on the real machine, in the order that recovery needs: lock, end what an earlier
 * ring 0 left running, open and replay the journal, put its death on record, only then act.
 */
export async function openRuntime({
  dataDirectory,
  env,
  emit: tell,
  segmentBytes,
  ballastBytes = defaultBallastBytes,
  checkpoints,
  groups: definitions,
  triggerTypes,
  notify,
  cells: cellsConfiguration,
  journal,
  ports: given,
  keyFile,
  budget,
  providers = {},
}: OpenOptions): Promise<Opened> {
  // Before anything is touched: a typo costs nothing.
  const groups = groupsOf(definitions)
  const redaction = liveRedaction()
  const emit = redaction.emit(tell)
  const closing: (() => Promise<void> | void)[] = [redaction.close]
  const closeAll = async (): Promise<void> => {
    for (const close of closing.splice(0).reverse()) await close()
  }
  /** What is made here is closed here. */
  const own = <T extends { close(): Promise<void> | void }>(made: T): T => {
    closing.push(() => made.close())
    return made
  }
  try {
    const clock = given.clock ?? own(systemClock())
    const random = given.random ?? systemRandom()
    const fileSystem = given.fileSystem ?? nodeFileSystem()
    if (dataDirectory !== undefined) {
      await fileSystem.makeDirectory(dataDirectory)
      const lock = await (given.lock ?? lockDataDirectory)({ fileSystem, clock, directory: dataDirectory })
      closing.push(() => lock.release())
    }
    const secrets = own(await openSecretStore({ env, keyFile, fileSystem, random, dataDirectory }))
    const compute = given.compute ?? own(piscinaCompute({ alias: { '@vigil/agent': require.resolve('@vigil/agent') } }))
    const gateway = own(
      httpGateway({ clock, tell: (message) => emit.log({ process: '@runtime', level: 'warn', message }) }),
    )
    const http = given.http ?? gateway
    const run = dataDirectory === undefined ? {} : { runDirectory: join(dataDirectory, 'run') }
    const programs = serverProcesses({ clock, fileSystem, ...run })
    const toolServers = given.toolServers ?? own(serverConnections({ link: gateway.link, programs, clock }))
    const models = given.models ?? languageModel({ link: gateway.link, clock, random })
    const settings = providerSettings(providers, env)
    const keys = own(providerKeys({ ...{ env, fileSystem, random }, providers: settings }))
    await keys.look()
    redaction.follow(keys.used)
    const bundles = bundleStore(fileSystem, compute, dataDirectory)
    const system = Promise.all([
      given.cells === undefined ? compute.bundle(require.resolve('@vigil/isolate/hub')) : undefined,
      given.guestRuntime ?? compute.bundle(require.resolve('@vigil/agent/guest')),
    ])
    // Awaited below; a journal that cannot be opened must not leave it unheard.
    system.catch(() => undefined)
    const store =
      given.journal ??
      (dataDirectory === undefined
        ? openMemoryStore({ clock })
        : await openFileStore({
            fileSystem,
            clock,
            directory: dataDirectory,
            ballastBytes,
            segmentBytes: segmentBytes ?? journal.segmentBytes,
            retention: journal.retention,
            scrub,
          }))
    closing.push(() => store.close())
    const [hub, guestRuntime] = await system
    const cells =
      given.cells ??
      own(
        cellLauncher({
          clock,
          random,
          fileSystem,
          hub: hub as Bundle,
          cellSize: cellsConfiguration.size,
          spares: { count: cellsConfiguration.spares, runtime: guestRuntime },
          ...run,
          output: (process, stream, text) =>
            emit.log({ process, level: stream === 'stderr' ? 'warn' : 'info', message: text }),
        }),
      )
    const orphansEnded = await cells.endOrphans()
    const { report, epitaphs, ...recovered } = await recover(store)
    faultPoint('recovery.after_replay')
    const machine = given.machine ?? probeMachine()
    const fileWatcher = given.fileWatcher ?? chokidarWatcher({ clock })
    const ports = {
      clock,
      random,
      fileSystem,
      fileWatcher,
      http,
      toolServers,
      models,
      compute,
      cells,
      guestRuntime,
      machine,
      journal: store,
    }
    const runtime = startRuntime({
      ports,
      dataDirectory,
      recovered,
      bundles,
      groups,
      admission: wakeAdmission({
        starting: machine.processors * 2,
        resident: cellsConfiguration.maxResident ?? residentByMemory(machine.memoryMb),
      }),
      checkpoints: { ...checkpointPolicy, ...checkpoints },
      triggerTypes,
      notify,
      secrets,
      catalog: modelCatalog({ providers: settings, keys, since: new Date(clock.now()).toISOString() }),
      // Nothing that a manifest names may be the key of the vault.
      env: { ...env, VIGIL_KEY: undefined },
      emit,
      redaction,
    })
    const tail = store.report.tornTail
    const author = { process: '@runtime' as ProcessName, epoch: 0 }
    await runtime.log.commitDurably([
      ...(tail === undefined
        ? []
        : [
            { ...author, type: 'journal.tail_truncated' as const, data: { moved_to: tail.movedTo, bytes: tail.bytes } },
          ]),
      ...epitaphs,
      ...fleetRecords(runtime.log.world, budget),
      {
        ...author,
        type: 'runtime.started',
        data: { version: packageJson.version, node: process.version, pid: process.pid },
      },
    ])
    // Who began on the last bytes would take nothing: better to be told now.
    if (store.space.state !== 'open') throw diskFull(dataDirectory)
    const damaged = damageAlarm(runtime.log, emit.log)
    faultPoint('recovery.before_revive')
    void store.failed.then((error) => {
      // Nothing may act on what was never made durable: every cell ends at once.
      void cells.close()
      emit.fatal(error)
    })
    return {
      runtime,
      ports,
      guardPort: gateway.guardPort,
      damaged,
      report: { ...report, orphansEnded },
      close: closeAll,
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

const diskFull = (directory: string | undefined): VigilError =>
  new VigilError('DISK_FULL', `expected room for the journal on the disk of ${directory}, found it full`)
