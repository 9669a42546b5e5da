import { resolve } from 'node:path'
import { type ErrorCode, type JournalDamage, runtimeProcess, type SpaceState, VigilError } from '@vigil/protocol'
import { agentHandle } from './agent-handle.ts'
import { refuseWeakeningOptions } from './isolation/node-options.ts'
import { spendOf } from './ledger/budget-status.ts'
import { type Configuration, defaultCells, defaultJournal } from './manifests/configuration.ts'
import { manifestFromSpec, type SpawnSpec } from './manifests/spec.ts'
import { modelSurvey } from './models/survey.ts'
import type { ModelSurvey } from './models/survey-surface.ts'
import { listDoubts, resolveDoubt } from './operations/doubts.ts'
import { decideRequest, listRequests } from './operations/requests.ts'
import type { OpenRequest, RequestDecision, RequestsQuery } from './requests/surface.ts'
import type { CheckpointPolicy } from './runtime/checkpointer.ts'
import { type Opened, openRuntime } from './runtime/open.ts'
import type { Ports } from './runtime/ports.ts'
import type {
  AgentHandle,
  DeployRequest,
  Doubt,
  DoubtDecision,
  HookReply,
  HookRequest,
  RecoveryReport,
  Spend,
  SupervisorEvents,
  TreeNode,
} from './surface.ts'
import { refuseTakenNames } from './triggers/custom/trigger-options.ts'
import type { TriggerTypes } from './triggers/custom/trigger-type.ts'

export interface StartOptions {
  /** Where everything durable lives; default `.vigil` under the working directory. */
  readonly dataDir?: string
  /** `memory`: keep nothing; excludes `dataDir`. */
  readonly journal?: 'memory'
  /** Source of `${VAR}` in manifests and of `context.env`; default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Receives each log line of agents and of ring 0; default: nothing is printed. */
  readonly logger?: SupervisorEvents['log']
  /** What `vigil.yaml` holds; default nothing. */
  readonly config?: Partial<Configuration>
  /**
   * Types of triggers of the program's own, by name; give them again at each start, and to `loadManifests`.
   * @throws INVALID_ARGUMENT for a name that is taken
   */
  readonly triggerTypes?: TriggerTypes
  /** Manifests that are registered, all of them, before the first process starts. */
  readonly deploy?: readonly DeployRequest[]
  /** Size at which a journal segment is sealed, bytes; default 64 MB. */
  readonly segmentBytes?: number
  /** Room that is kept on the disk for what was begun when it fills, bytes; default 8 MB. */
  readonly ballastBytes?: number
  /** When a checkpoint round is due, and how much of it is packed in one go; default every 300,000 ms and every 50,000 records, 128 KB. */
  readonly checkpoints?: Partial<CheckpointPolicy>
  /** Replaces single ports, for tests and measurements; the others stay real. */
  readonly ports?: Partial<Ports>
}

/**
 * Ring 0 in a program: recovers what its data directory holds, runs agents, and never prints, listens on a port or
 * ends the process.
 *
 * @example
 * await using s = await Supervisor.start({ dataDir: '.vigil' })
 * const agent = await s.spawn({ name: 'triage', entrypoint: new URL('./triage.ts', import.meta.url) })
 * console.log(await agent.run({ subject: 'hello' }, { idempotencyKey: 'mail-1' }))
 */
export class Supervisor implements AsyncDisposable {
  static #default: Promise<Supervisor> | undefined

  readonly #opened: Opened
  readonly #triggerTypes: TriggerTypes
  readonly #listeners: Listeners
  readonly dataDir: string
  #stopped: Promise<void> | undefined

  private constructor(opened: Opened, listeners: Listeners, dataDir: string, triggerTypes: TriggerTypes) {
    this.#opened = opened
    this.#triggerTypes = triggerTypes
    this.#listeners = listeners
    this.dataDir = dataDir
  }

  /**
   * @throws UNSAFE_OPTION node was started with an option that weakens a guarantee
   * · INVALID_CONFIG the key of the vault is none · DATA_IN_USE another supervisor runs on the data directory · JOURNAL_DAMAGED · DISK_FULL
   * · what `deploy` throws, for the manifests in `options.deploy`
   */
  static async start(options: StartOptions = {}): Promise<Supervisor> {
    if (options.journal === 'memory' && options.dataDir !== undefined) {
      throw new VigilError('INVALID_ARGUMENT', 'dataDir and journal: "memory" exclude each other; give one of them')
    }
    refuseWeakeningOptions(process.execArgv, process.env.NODE_OPTIONS)
    const dataDirectory = options.journal === 'memory' ? undefined : resolve(options.dataDir ?? '.vigil')
    const { triggerTypes = {} } = options
    refuseTakenNames(triggerTypes)
    const env = options.env ?? process.env
    const listeners = new Listeners()
    if (options.logger !== undefined) listeners.add('log', options.logger)
    const opened = await openRuntime({
      dataDirectory,
      env,
      emit: listeners.emit,
      segmentBytes: options.segmentBytes,
      ballastBytes: options.ballastBytes,
      checkpoints: options.checkpoints,
      groups: options.config?.groups ?? [],
      triggerTypes,
      cells: options.config?.cells ?? defaultCells,
      notify: options.config?.notify,
      journal: options.config?.journal ?? defaultJournal,
      budget: options.config?.budget,
      providers: options.config?.providers,
      keyFile: options.config?.vault?.keyFile,
      ports: options.ports ?? {},
    })
    const supervisor = new Supervisor(opened, listeners, dataDirectory ?? ':memory:', triggerTypes)
    try {
      for (const request of options.deploy ?? []) await supervisor.#register(request)
    } catch (error) {
      await supervisor.stop()
      throw error
    }
    opened.runtime.revive()
    return supervisor
  }

  /** The supervisor of `Supervisor.spawn`: on `.vigil`, started at the first call. Stop it when the program is done. */
  static default(): Promise<Supervisor> {
    Supervisor.#default ??= Supervisor.start().catch((error: unknown) => {
      Supervisor.#default = undefined
      throw error
    })
    return Supervisor.#default
  }

  /** `spawn` on the default supervisor. */
  static async spawn(spec: SpawnSpec): Promise<AgentHandle> {
    return await (await Supervisor.default()).spawn(spec)
  }

  /** What recovery found when this supervisor started. */
  get report(): RecoveryReport {
    return this.#opened.report
  }

  /** False while it stops or the disk is full: nothing new is taken. */
  get ready(): boolean {
    return this.#stopped === undefined && this.space === 'open'
  }

  /** Segments of the journal that were found damaged since the start. */
  get damaged(): readonly JournalDamage[] {
    return this.#opened.damaged
  }

  /** How much the disk takes; it opens again by itself. */
  get space(): SpaceState {
    return this.#opened.runtime.log.journal.space.state
  }

  /**
   * Creates the agent, or adopts the one of that name that the data directory holds, with this code and
   * configuration. Resolves when it runs.
   * @throws INVALID_CONFIG, UNKNOWN_FIELD, FUNCTION_NOT_PORTABLE, BUNDLE_FAILED · INVALID_STATE when it cannot run
   */
  async spawn(spec: SpawnSpec): Promise<AgentHandle> {
    const baseDirectory = process.cwd()
    const manifest = manifestFromSpec(spec, { baseDirectory, triggerTypes: this.#triggerTypes })
    return await this.deploy({ manifest, baseDirectory, by: 'program', start: true })
  }

  /** Applies a manifest; a new process, or any with `start: true`, is running when this resolves. */
  async deploy(request: DeployRequest): Promise<AgentHandle> {
    this.#open()
    const isNew = await this.#register(request)
    const { name } = request.manifest
    const { runtime } = this.#opened
    const member = runtime.members.get(name)
    if (isNew || request.start === true) {
      await member?.process.start(request.by)
      await runtime.until(name, ({ process }) => ['running', 'awaiting', 'failed', 'stopped'].includes(process.state))
      const fold = member?.process.fold
      if (member?.process.state === 'failed') {
        const details = { last_exit: fold?.lastExit }
        throw new VigilError('INVALID_STATE', `"${name}" did not come to run: ${fold?.parked}`, { details })
      }
    }
    return this.get(name)
  }

  /** Registers without starting; a process that is new is meant to run from now on. */
  async #register(request: DeployRequest): Promise<boolean> {
    const { runtime } = this.#opened
    const isNew = !runtime.members.has(request.manifest.name)
    await runtime.deploy(request)
    return isNew && request.start !== false
  }

  /** @throws PROCESS_NOT_FOUND */
  get(name: string): AgentHandle {
    const handle = agentHandle(this.#opened.runtime, name, this.#opened.ports, 'operator')
    handle.status()
    return handle
  }

  list(): AgentHandle[] {
    return [...this.#opened.runtime.members.keys()].sort().map((name) => this.get(name))
  }

  /** Groups and the agents under them, and the agents that stand alone. */
  tree(): TreeNode[] {
    return this.#opened.runtime.tree()
  }

  /** Publishes on the bus; resolves when it is durable, with the number of mailboxes that it reached. */
  async publish(
    topic: string,
    data: unknown,
    source = 'operator',
  ): Promise<{ readonly eventId: string; readonly deliveries: number }> {
    this.#open()
    return await this.#opened.runtime.publish(topic, data, source)
  }

  /** Effects that may or may not have happened, and whose turns wait for a person's word. */
  async doubts(): Promise<Doubt[]> {
    const { log } = this.#opened.runtime
    const doubts = listDoubts(log.world)
    await log.settled()
    return doubts
  }

  /** Says what became of an effect; its turn goes on when nothing of it is in doubt any more. @throws DOUBT_NOT_FOUND */
  async resolveDoubt(id: string, decision: DoubtDecision): Promise<void> {
    this.#open()
    const { runtime } = this.#opened
    const name = await resolveDoubt(runtime.log, id, { ...decision, by: 'operator' })
    runtime.members.get(name)?.process.pump()
  }

  /** What waits for people, oldest first. */
  async requests(query: RequestsQuery = {}): Promise<OpenRequest[]> {
    const { log } = this.#opened.runtime
    const open = listRequests(log.world, query)
    await log.settled()
    return open
  }

  /**
   * Puts a person's word about a request on record; the first one counts, and its turn goes on.
   * @throws REQUEST_NOT_FOUND · ALREADY_DECIDED · REQUEST_CLOSED · INVALID_ARGUMENT · ANSWER_INVALID
   */
  async decide(id: string, decision: RequestDecision, by = 'operator'): Promise<void> {
    this.#open()
    const { runtime } = this.#opened
    const name = await decideRequest(runtime.log, id, { ...decision, by })
    runtime.members.get(name)?.process.pump()
  }

  /** Models that manifests name, and what keeps any of them from being asked; `probes`: with a look at each provider. */
  async models({
    probes = false,
    isWanted = () => true,
  }: {
    readonly probes?: boolean
    readonly isWanted?: (name: string) => boolean
  } = {}): Promise<ModelSurvey> {
    const { log, catalog } = this.#opened.runtime
    return await modelSurvey({ world: log.world, catalog, http: this.#opened.ports.http, isWanted, probes })
  }

  /** What every agent has spent and reserved in the periods that are now, or those agents alone. */
  async spend(isWanted?: (name: string) => boolean): Promise<Spend> {
    const { log } = this.#opened.runtime
    const spend = spendOf(log.world, this.#opened.ports.clock.now(), isWanted)
    await log.settled()
    return spend
  }

  /** The clock that leapt by more than a day is right: budgets go on to the period that is now. */
  async confirmClock(by = 'operator'): Promise<void> {
    this.#open()
    const { log } = this.#opened.runtime
    await log.commitDurably([{ process: runtimeProcess, epoch: 0, type: 'clock.confirmed', data: { by } }])
  }

  /**
   * Gives a request to the webhook triggers of its path; resolves when what they took is durable.
   * @throws HOOK_NOT_FOUND, SOURCE_DENIED, UNAUTHORIZED, WEBHOOK_UNVERIFIED, WEBHOOK_NO_SECRET, KEY_CONFLICT, TOO_LARGE,
   * MAILBOX_FULL, PROCESS_STOPPED
   */
  async deliverHook(request: HookRequest): Promise<HookReply> {
    this.#open()
    return await this.#opened.runtime.deliverHook(request)
  }

  /**
   * Says that this program listens on a port of this machine: no agent reaches it through `ctx.fetch`, whatever its manifest
   * allows, until the returned function is called. `serve` does it.
   * @param options `isOpen`: it asks for no token, so no agent may be there that reaches it past the gate
   * @throws INVALID_STATE when there is one
   */
  guardPort(port: number, { isOpen = false }: { readonly isOpen?: boolean } = {}): () => void {
    const closed = isOpen ? this.#opened.runtime.listensToAll() : undefined
    const unguard = this.#opened.guardPort(port)
    return () => {
      unguard()
      closed?.()
    }
  }

  /** Listens; returns the way to stop it. Records are told when they are durable. */
  on<E extends keyof SupervisorEvents>(event: E, listener: SupervisorEvents[E]): () => void {
    return this.#listeners.add(event, listener)
  }

  /** Drains every process, checkpoints, closes. Nothing is left behind: no process, thread, timer, socket or lock. */
  stop(): Promise<void> {
    this.#stopped ??= this.#shutdown()
    return this.#stopped
  }

  async #shutdown(): Promise<void> {
    try {
      await this.#opened.runtime.stop()
    } finally {
      await this.#opened.close()
      if ((await Supervisor.#default?.catch(() => undefined)) === this) Supervisor.#default = undefined
    }
  }

  #open(): void {
    if (this.#stopped !== undefined) throw new VigilError('STOPPING' satisfies ErrorCode, 'the supervisor is stopping')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** Typed listeners; one that throws does not keep the others from hearing. */
class Listeners {
  readonly #sets = {
    record: new Set<SupervisorEvents['record']>(),
    log: new Set<SupervisorEvents['log']>(),
    report: new Set<SupervisorEvents['report']>(),
    fatal: new Set<SupervisorEvents['fatal']>(),
  }

  readonly emit: { readonly [E in keyof SupervisorEvents]: SupervisorEvents[E] } = {
    record: (record) => tell(this.#sets.record, record),
    log: (line) => tell(this.#sets.log, line),
    report: (report) => tell(this.#sets.report, report),
    fatal: (error) => tell(this.#sets.fatal, error),
  }

  add<E extends keyof SupervisorEvents>(event: E, listener: SupervisorEvents[E]): () => void {
    const set = this.#sets[event] as Set<SupervisorEvents[E]>
    set.add(listener)
    return () => set.delete(listener)
  }
}

function tell<T>(listeners: ReadonlySet<(value: T) => void>, value: T): void {
  for (const listener of listeners) {
    try {
      listener(value)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
