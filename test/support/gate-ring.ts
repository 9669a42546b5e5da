import { openFileStore } from '@vigil/journal'
import type { AcceptedEvent, JournalRecord, JournalStore, ProcessName, RecordDraft } from '@vigil/protocol'
import {
  type ModelScript,
  type SimulatedFileSystem,
  type SimulatedLanguageModel,
  type SimulatedRoute,
  type SimulatedServer,
  type SimulatedToolServers,
  seededRandom,
  simulatedFileSystem,
  simulatedHttpClient,
  simulatedLanguageModel,
  simulatedToolServers,
  type VirtualClock,
  virtualClock,
} from '@vigil/testkit'
import { turnResults } from '../../packages/supervisor/src/delivery/results.ts'
import { applyRecord, type World } from '../../packages/supervisor/src/fold/world.ts'
import type { Decider } from '../../packages/supervisor/src/gate/decide.ts'
import { fetchEffect } from '../../packages/supervisor/src/gate/effects/fetch.ts'
import { fileEffects } from '../../packages/supervisor/src/gate/effects/files.ts'
import { messageEffects } from '../../packages/supervisor/src/gate/effects/messages.ts'
import { monitors } from '../../packages/supervisor/src/gate/effects/monitor.ts'
import { peopleEffects } from '../../packages/supervisor/src/gate/effects/people.ts'
import { requests } from '../../packages/supervisor/src/gate/effects/request.ts'
import { serverToolEffect } from '../../packages/supervisor/src/gate/effects/server-tool.ts'
import type { GateReply } from '../../packages/supervisor/src/gate/flight.ts'
import { createGate, type Gate } from '../../packages/supervisor/src/gate/gate.ts'
import { ledgerDecider } from '../../packages/supervisor/src/ledger/ledger.ts'
import { manifestFromSpec, type SpawnSpec } from '../../packages/supervisor/src/manifests/spec.ts'
import { embedding } from '../../packages/supervisor/src/memory/embedding.ts'
import { memoryEffects } from '../../packages/supervisor/src/memory/memory-effects.ts'
import { memoryIndexes } from '../../packages/supervisor/src/memory/memory-indexes.ts'
import { modelCatalog } from '../../packages/supervisor/src/models/catalog.ts'
import { embedEffect } from '../../packages/supervisor/src/models/embed.ts'
import { generateEffect } from '../../packages/supervisor/src/models/generate.ts'
import { modelDecider } from '../../packages/supervisor/src/models/model-decider.ts'
import { providerKeys } from '../../packages/supervisor/src/models/provider-keys.ts'
import { type Providers, providerSettings } from '../../packages/supervisor/src/models/provider-settings.ts'
import { moreBudget } from '../../packages/supervisor/src/requests/approvals.ts'
import { type RecordLog, recordLog } from '../../packages/supervisor/src/runtime/record-log.ts'
import { toolServers } from '../../packages/supervisor/src/servers/servers.ts'
import { openSecretStore } from '../../packages/supervisor/src/vault/secret-store.ts'
import { vault } from '../../packages/supervisor/src/vault/vault.ts'

/** Ring 0 as far as the gate: a real journal on a simulated disk, one process `worker` with the open turn `t1`. */
export interface GateRing {
  readonly clock: VirtualClock
  readonly fileSystem: SimulatedFileSystem
  readonly http: ReturnType<typeof simulatedHttpClient>
  readonly servers: SimulatedToolServers
  /** What servers made ring 0 write to the log. */
  readonly lines: readonly string[]
  readonly gate: Gate
  readonly models: SimulatedLanguageModel
  readonly world: World
  readonly journal: JournalStore
  readonly log: RecordLog
  /** A call of `worker` in turn `t1`. */
  call(kind: Parameters<Gate['call']>[0]['kind'], input: unknown, key?: string): Promise<GateReply>
  commit(...drafts: RecordDraft[]): void
  records(type?: string): Promise<JournalRecord[]>
  /** Power off and on: what was not synced is gone, ring 0 begins anew from the journal. */
  crash(): Promise<void>
  close(): Promise<void>
}

export interface GateRingOptions {
  readonly specs?: readonly (Partial<SpawnSpec> & { readonly name: string })[]
  readonly routes?: Readonly<Record<string, SimulatedRoute>>
  readonly deciders?: readonly Decider[]
  /** MCP servers of `worker`. */
  readonly servers?: Readonly<Record<string, SimulatedServer>>
  /** What else stands in its manifest. */
  readonly worker?: Partial<SpawnSpec>
  /** Whether budgets are asked, behind the other deciders. */
  readonly hasLedger?: boolean
  readonly model?: ModelScript
  readonly providers?: Providers
  readonly env?: Readonly<Record<string, string>>
}

const event: AcceptedEvent = {
  event_id: 'e1',
  trigger_id: 'manual',
  type: 'manual',
  timestamp: '2026-01-01T00:00:00.000Z',
  payload: null,
  metadata: {},
}
const author = { process: 'worker' as ProcessName, epoch: 1 }

export async function openGateRing({
  specs = [],
  routes = {},
  deciders = [],
  hasLedger = false,
  servers = {},
  worker = {},
  model = () => 'Done.',
  providers = { test: { baseUrl: 'http://models.test/v1', prices: { cheap: { input: 1, output: 2 } } } },
  env = {},
}: GateRingOptions = {}): Promise<GateRing> {
  const clock = virtualClock()
  const fileSystem = simulatedFileSystem()
  const http = simulatedHttpClient(routes, { clock })
  const random = seededRandom(1)
  const outside = simulatedToolServers(servers, { clock })
  const lines: string[] = []
  const addresses = Object.fromEntries(Object.keys(servers).map((name) => [name, { command: name }]))
  const models = simulatedLanguageModel(model, { clock })
  const settings = providerSettings(providers, env)
  const catalog = modelCatalog({
    providers: settings,
    keys: providerKeys({ providers: settings, env, fileSystem, random }),
    since: '2026-01-01T00:00:00.000Z',
  })
  const boot = async () => {
    const journal = await openFileStore({ fileSystem, clock, directory: '/journal' })
    const world: World = new Map()
    await journal.replay(0, (record) => applyRecord(world, record))
    const log = recordLog({ journal, world })
    const store = await openSecretStore({ env: {}, keyFile: undefined, fileSystem, random, dataDirectory: undefined })
    const secrets = vault({
      env: {},
      fileSystem,
      clock,
      store,
      read: () => undefined,
      processOf: (name) => world.get(name),
    })
    const people = peopleEffects({ world, clock, random })
    const { spoken } = people
    const askMore = moreBudget({ log, clock, random, spoken })
    const ledger = { world, clock, lookAtClock: () => undefined, askMore }
    const vectors = embedding({ world, clock, call: (request) => gate.call(request) })
    const memory = memoryEffects({ world, clock, indexes: memoryIndexes(clock), vectors })
    const gate: Gate = createGate({
      log,
      clock,
      effects: {
        outside: {
          'model.generate': generateEffect({ catalog, models }),
          'model.embed': embedEffect({ catalog, models, beside: vectors.beside }),
          fetch: fetchEffect({
            http,
            log,
            vault: secrets,
          }),
          ...fileEffects(fileSystem),
          'server.tool': serverToolEffect({
            clock,
            servers: toolServers({
              ...{ log, clock, random, port: outside, vault: secrets },
              tell: (_process, level, message) => void lines.push(`${level}: ${message}`),
            }),
          }),
        },
        inside: { ...messageEffects({ world, clock, random }), ...memory.inside },
        reads: memory.reads,
        waiting: {
          monitor: monitors(world, journal).effect,
          request: requests({ world, clock, random, results: turnResults(log, clock) }).effect,
          approve: people.approve,
          ask_human: people.ask_human,
        },
      },
      deciders: [modelDecider(catalog, world), ...deciders, ...(hasLedger ? [ledgerDecider(ledger)] : [])],
    })
    return { journal, world, log, gate }
  }
  let ring = await boot()

  const deploy = (spec: Partial<SpawnSpec> & { readonly name: string }): RecordDraft => {
    const manifest = manifestFromSpec({ entrypoint: `/${spec.name}.ts`, ...spec }, { baseDirectory: '/' })
    const data = { revision: 1, manifest: { ...manifest }, bundle: 'b1', by: 'program' as const }
    return { process: spec.name as ProcessName, epoch: 0, type: 'process.deployed', data }
  }
  await ring.log.commitDurably([
    ...[{ name: 'worker', servers: addresses, ...worker }, ...specs].map(deploy),
    { ...author, type: 'incarnation.started', data: { bundle: 'b1' } },
    { ...author, type: 'trigger.accepted', data: { event } },
    {
      ...author,
      type: 'turn.started',
      turn: 't1',
      data: { event_id: 'e1', attempt: 1, bundle: 'b1', started_at: '2026-01-01T00:00:00.000Z' },
    },
  ])

  return {
    clock,
    fileSystem,
    http,
    servers: outside,
    lines,
    models,
    get gate() {
      return ring.gate
    },
    get world() {
      return ring.world
    },
    get journal() {
      return ring.journal
    },
    get log() {
      return ring.log
    },
    async call(kind, input, key = `${kind}#0`) {
      for (;;) {
        const reply = await ring.gate.call({ process: 'worker', turn: 't1', key, kind, input })
        if (!('over' in reply)) return reply
        await reply.over
      }
    },
    commit: (...drafts) => void ring.log.commit(drafts),
    async records(type) {
      await ring.log.settled()
      const found: JournalRecord[] = []
      await ring.journal.replay(0, (record) => {
        if (type === undefined || record.type === type) found.push(record)
      })
      return found
    },
    async crash() {
      fileSystem.crash()
      ring = await boot()
    },
    close: () => ring.journal.close(),
  }
}
