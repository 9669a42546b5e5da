import { type Bundle, limits, type ProcessName, VigilError } from '@vigil/protocol'
import packageJson from '../../package.json' with { type: 'json' }
import { busChannels } from '../bus/channels.ts'
import { publish } from '../bus/publish.ts'
import { type Results, turnResults } from '../delivery/results.ts'
import { arrivals } from '../delivery/routing.ts'
import { isProcess } from '../fold/process-fold.ts'
import { credits } from '../gate/credits.ts'
import { type Grants, grants } from '../isolation/granted.ts'
import { budgetWatch } from '../ledger/budget-watch.ts'
import type { NoticeTarget } from '../manifests/manifest.ts'
import type { MemoryIndexes } from '../memory/memory-indexes.ts'
import type { ModelCatalog } from '../models/catalog.ts'
import { keyWait } from '../models/key-wait.ts'
import type { SecretOperations } from '../operations/secrets.ts'
import { agentProcess } from '../processes/agent-process.ts'
import type { WakeAdmission } from '../residency/wake-admission.ts'
import type { Servers } from '../servers/servers.ts'
import type { Groups } from '../supervision/groups.ts'
import { topLevel } from '../supervision/top-level.ts'
import { treeView } from '../supervision/tree-view.ts'
import type { HookReply, HookRequest, SupervisorEvents, TreeNode } from '../surface.ts'
import { telemetry } from '../telemetry/telemetry.ts'
import type { TriggerTypes } from '../triggers/custom/trigger-type.ts'
import { triggerSet } from '../triggers/trigger-set.ts'
import { hooks } from '../triggers/webhook/hooks.ts'
import type { LiveRedaction } from '../vault/live-redaction.ts'
import type { SecretStore } from '../vault/secret-store.ts'
import { secretsOf } from '../vault/secrets.ts'
import { bodyRetention } from './body-retention.ts'
import type { BundleStore } from './bundle-store.ts'
import { type CheckpointPolicy, checkpointer } from './checkpointer.ts'
import { clockWatch } from './clock-watch.ts'
import { type Deployment, deployment } from './deployment.ts'
import { whileDiskIsFull } from './disk-full.ts'
import type { Member } from './member.ts'
import type { RuntimePorts } from './ports.ts'
import { type RecordLog, recordLog } from './record-log.ts'
import type { Recovered } from './recovery.ts'
import { reportText } from './report-text.ts'
import { systemCalls } from './system-calls.ts'

/**
 * Ring 0 after recovery: every process of the world, one gate, one log. Wires the parts together and decides nothing
 * itself; `Supervisor` is its public face.
 */
export interface Runtime extends Deployment {
  readonly log: RecordLog
  readonly results: Results
  /** Of models. */
  readonly catalog: ModelCatalog
  readonly members: ReadonlyMap<string, Member>
  /** Takes away the large bodies of a process that nothing needs; resolves with how many there were. */
  purge(name: string): Promise<number>
  publish(
    topic: string,
    data: unknown,
    source: string,
  ): Promise<{ readonly eventId: string; readonly deliveries: number }>
  deliverHook(request: HookRequest): Promise<HookReply>
  readonly triggerTypes: TriggerTypes
  readonly listensToAll: Grants['listensToAll']
  /** Listens to the triggers that a process has now. */
  arm(name: string): void
  readonly secrets: SecretOperations
  readonly memoryIndexes: MemoryIndexes
  readonly servers: Pick<Servers, 'status'>
  /** A bundle that is kept. */
  bundle(hash: string): Promise<Bundle>
  /** The variables of these names that are set. */
  env(names: readonly string[]): Readonly<Record<string, string>>
  tree(): TreeNode[]
  /** Lets every process live that should. */
  revive(): void
  /** Resolves when `done` holds; looked at after each change of that process. */
  until(name: string, done: (member: Member) => boolean): Promise<void>
  stop(): Promise<void>
}

export interface RuntimeParts {
  readonly ports: RuntimePorts
  /** Undefined: nothing is kept. */
  readonly dataDirectory: string | undefined
  readonly recovered: Pick<Recovered, 'world' | 'rows' | 'changed'>
  readonly bundles: BundleStore
  readonly groups: Groups
  readonly admission: WakeAdmission
  readonly checkpoints: CheckpointPolicy
  readonly triggerTypes: TriggerTypes
  /** Where people are told, if a manifest does not say. */
  readonly notify: NoticeTarget | undefined
  readonly secrets: SecretStore
  readonly catalog: ModelCatalog
  readonly env: Readonly<Record<string, string | undefined>>
  readonly emit: { readonly [E in keyof SupervisorEvents]: SupervisorEvents[E] }
  /** Keeps secrets out of what is written. */
  readonly redaction: LiveRedaction
}

export function startRuntime({
  ports,
  dataDirectory,
  recovered: { world, rows, changed },
  bundles,
  groups,
  admission,
  checkpoints: policy,
  triggerTypes,
  notify,
  secrets: store,
  catalog,
  env,
  emit,
  redaction,
}: RuntimeParts): Runtime {
  const { clock, random, journal } = ports
  const told = telemetry({ world, clock, version: packageJson.version })
  const log = recordLog({ journal, world, changed, clean: (draft) => told.marked(redaction.draft(draft)) })
  const members = new Map<string, Member>()
  const watchers = new Set<() => void>()
  const shared = credits(limits.totalCredits)
  const channels = busChannels()
  const results = turnResults(log, clock)
  const moved = (name: string): void => {
    members.get(name)?.process.pump()
    for (const look of watchers) look()
  }
  const secrets = secretsOf({
    ...{ log, clock, random, env, store, moved, fileSystem: ports.fileSystem },
    tell: (process, level, message) => emit.log({ process, level, message }),
  })
  redaction.follow(secrets.vault)
  const calls = systemCalls({
    ...{ ports, log, dataDirectory, secrets, catalog, results, redaction, notify },
    tell: emit.log,
    pump: (name) => members.get(name)?.process.pump(),
    lookAtClock: () => clockLook.look(),
  })
  const isStopped = (name: string): boolean => (members.get(name)?.process.state ?? 'stopped') === 'stopped'
  const ingress = hooks({ log, clock, random, secrets: secrets.hooks, isStopped })
  const complain = (name: string) => (error: Error) =>
    emit.log({ process: name, level: 'error', message: error.message })
  const checkpoints = checkpointer({ log, clock, policy, rows, failed: complain('@runtime') })

  const bodies = bodyRetention(log, clock, complain('@runtime'))
  const unobserve = log.observe((record) => {
    for (const { process, event_id } of arrivals(record)) members.get(process)?.process.pump(event_id)
    // Whatever came of it: a call may wait for no more than that its own record is on the disk. How long it ran answers nobody.
    if (record.turn !== undefined && record.type !== 'turn.ran') members.get(record.process)?.process.heard(record.turn)
    secrets.heard(record)
    calls.heard(record)
    budgets.heard(record)
    ingress.heard(record)
    told.heard(record)
    emit.record(record)
  })

  const top = topLevel({
    clock,
    random,
    groups,
    agents: () => members.keys(),
    agent: (name) => members.get(name)?.process,
    manifestOf: (name) => world.get(name)?.manifest,
    report(supervisor, report) {
      emit.report({ supervisor, ...report })
      // How a life ended is on record, and told as that; what only a supervisor knows is told here.
      if (report.context !== 'shutdown_error') return
      const message = reportText({ supervisor, ...report }, { singleLine: true })
      emit.log({ process: report.offender.id, level: 'warn', message })
    },
    gaveUp: (supervisor, reason) =>
      emit.log({ process: '@runtime', level: 'error', message: `group ${supervisor} ended: ${reason}` }),
  })

  const arm = ({ process: { fold, state }, triggers }: Member): void =>
    triggers.arm(
      fold.desired === 'running' && fold.parked === undefined && !stopping,
      state === 'running' || state === 'awaiting',
    )

  const budgets = budgetWatch({
    log,
    clock,
    moved(name) {
      const member = members.get(name)
      member?.process.pump()
      if (member !== undefined) arm(member)
      for (const look of watchers) look()
    },
    stop: (name) => void members.get(name)?.process.stop('policy').catch(complain(name)),
  })

  const clockLook = clockWatch({
    log,
    clock,
    stepped() {
      for (const { triggers } of members.values()) triggers.clockStepped()
      budgets.clockStepped()
    },
  })

  const enroll = (name: string): Member => {
    const fold = world.get(name)
    if (fold === undefined) throw new VigilError('PROCESS_NOT_FOUND', `there is no process "${name}"`)
    const triggers = triggerSet({
      log,
      clock,
      watcher: ports.fileWatcher,
      process: fold,
      secrets: secrets.hooks,
      lookAtClock: clockLook.look,
      end: (eventId, how) => {
        const end = { by: 'policy', reason: `overlap: ${how}_other` }
        if (how === 'cancel') process.cancel(eventId, end)
        else process.terminate(eventId, end).catch(complain(name))
      },
      random,
      triggerTypes,
      tell: (message) => emit.log({ process: name, level: 'info', message }),
      failed: complain(name),
    })
    const place = top.placeOf(name)
    const process = agentProcess({
      ports,
      log,
      gate: calls.gate,
      credits: shared,
      channels,
      leases: { vault: secrets.vault, log },
      admission,
      fold,
      bundle: async (hash) => {
        await secrets.vault.begin(fold)
        return await bundles.get(hash)
      },
      env: (names) => pick(env, names),
      holds: () => secrets.vault.waits(fold) !== undefined || keyWait(catalog, fold.manifest) !== undefined,
      tools: () => (fold.manifest.thinking === undefined ? undefined : calls.servers.offered(fold)),
      logLine: emit.log,
      branch: place.of,
      path: place.path,
      changed: () => {
        arm({ process, triggers })
        for (const look of watchers) look()
      },
    })
    const member = { process, triggers }
    const noKey = keyWait(catalog, fold.manifest)
    if (noKey !== undefined) emit.log({ process: name, level: 'error', message: `runs nothing: ${noKey}` })
    members.set(name, member)
    return member
  }

  let stopping = false
  let revived = false
  const unwatchDisk = whileDiskIsFull({
    log,
    clock,
    admission,
    logLine: emit.log,
    stopLives() {
      for (const { process } of members.values()) process.rest('disk')
    },
    goOn() {
      for (const { process, triggers } of members.values()) {
        // A file trigger was told once of what it could not deliver; armed anew it compares everything.
        triggers.arm(false, false)
        arm({ process, triggers })
        process.pump()
      }
    },
  })
  for (const each of world.values()) if (isProcess(each)) enroll(each.name)
  const granted = grants({ fileSystem: ports.fileSystem, world, dataDirectory, keyFiles: store.keyFiles })
  const { deploy, remove } = deployment({
    ports,
    log,
    grants: granted,
    catalog,
    bundles,
    members,
    enroll,
    changed(name) {
      top.changed(name)
      const member = members.get(name)
      // Not before all that begin together are registered.
      if (revived && member !== undefined) arm(member)
    },
  })

  return {
    log,
    results,
    catalog,
    members,
    deploy,
    async remove(name, by) {
      await remove(name, by)
      await bodies.purge(name)
    },
    purge: bodies.purge,
    publish: (topic, data, source) => publish({ log, random, clock }, { topic, data, source }),
    deliverHook: ingress.deliver,
    listensToAll: granted.listensToAll,
    triggerTypes,
    arm(name) {
      const member = members.get(name)
      if (member !== undefined) arm(member)
    },
    secrets,
    memoryIndexes: calls.memoryIndexes,
    servers: calls.servers,
    bundle: bundles.get,
    env: (names) => pick(env, names),
    tree: () =>
      treeView(top.branches(), (name) => {
        const process = members.get(name)?.process
        if (process === undefined) return undefined
        const pid = process.life?.pid
        return { state: process.state, restarts: process.fold.restarts, ...(pid === undefined ? {} : { pid }) }
      }),
    revive() {
      revived = true
      secrets.look()
      budgets.look()
      top.begin()
      for (const member of members.values()) arm(member)
    },
    until(name, done) {
      return new Promise((resolve, reject) => {
        const look = (): void => {
          const member = members.get(name)
          if (member !== undefined && !stopping && !done(member)) return
          watchers.delete(look)
          if (member === undefined || stopping)
            reject(new VigilError('STOPPING', `the supervisor stopped before "${name}" got there`))
          else resolve()
        }
        watchers.add(look)
        look()
      })
    },
    async stop() {
      stopping = true
      await Promise.all([...members.values()].map(({ triggers }) => triggers.close()))
      for (const { process } of members.values()) process.close()
      await top.end()
      await calls.servers.close()
      secrets.close()
      checkpoints.close()
      clockLook.close()
      budgets.close()
      bodies.close()
      calls.close()
      results.close()
      for (const look of watchers) look()
      log.commit([{ process: '@runtime' as ProcessName, epoch: 0, type: 'runtime.stopped', data: {} }])
      await log.settled()
      // All is durable without it: a round that fails makes the next start slower, and no stop a failure.
      await checkpoints.round().catch(complain('@runtime'))
      unobserve()
      told.close()
      unwatchDisk()
    },
  }
}

function pick(env: Readonly<Record<string, string | undefined>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name] as string]])))
}
