import type { AgentDefinition } from '@vigil/agent'
import { createHandler, type Handler } from '@vigil/api'
import type { CellLauncher, HttpClient, HttpRequest, JournalRecord } from '@vigil/protocol'
import { type Configuration, type Manifest, type SpawnSpec, Supervisor } from '@vigil/supervisor'
import { type CheckpointPolicy, knownProviders, parseConfiguration } from '@vigil/supervisor/internal'
import { seededRandom } from '../seeded-random.ts'
import {
  cellsOf,
  clockOf,
  fileSystemOf,
  httpOf,
  type Life,
  type LifeClock,
  modelsOf,
  newLife,
  serversOf,
  watcherOf,
} from './life.ts'
import { entrypointOf, type Machine } from './machine.ts'
import { noticeRequest } from './outside-checks.ts'

/** What the agent does, and how it is configured: as in a program, or by a manifest. `tools` are those of its module. */
export type WorldAgent = AgentDefinition & (WorldConfiguration | { readonly manifest: Manifest })

type WorldConfiguration = Omit<SpawnSpec, 'name' | 'entrypoint' | 'tools'> & {
  readonly toolPolicy?: SpawnSpec['tools']
}

/** The lives of ring 0 on one machine, one after the other: whenever one dies, the next begins some seconds later. */
export interface Lives {
  /** Ring 0 of this moment; undefined while it is down. */
  readonly supervisor: Supervisor | undefined
  readonly handler: Handler | undefined
  readonly present: Life | undefined
  /** Ring 0 is up, and has every agent. */
  readonly settled: boolean
  readonly starts: number
  /** Timers that the latest ring 0 has armed. */
  readonly armedTimers: number
  /** What observers were told of, by life. */
  readonly told: readonly (readonly JournalRecord[])[]
  /** Requests that went out when nobody had been told of an intent: only an earlier life may have written it. */
  readonly unannounced: readonly { readonly request: string; readonly life: number }[]
  /** Ring 0 is gone, from one instruction to the next. */
  die(): void
  spawn(name: string): Promise<unknown>
  /** The next death is the last. */
  close(): void
}

export interface LivesOptions {
  readonly seed: number
  readonly agents: Readonly<Record<string, WorldAgent>>
  readonly adopts: boolean
  readonly segmentBytes: number
  readonly env: Readonly<Record<string, string>>
  readonly cells: Partial<Configuration['cells']>
  readonly groups: NonNullable<Configuration['groups']>
  readonly budget: Readonly<Record<string, unknown>> | undefined
  readonly checkpoints: Partial<CheckpointPolicy>
  readonly heard: (record: JournalRecord) => void
  readonly violated: (what: string) => void
}

export const worldDirectory = '/data'
/** Small, so that a full disk exhausts it in a short run. */
const ballastBytes = 8_192
/** More than any honest run needs: a disk that is dead for a minute costs some 25, and a plan may have several. */
const mostStarts = 300
/** What a broken disk makes ring 0 say before it ends. */
/** Models cost nothing in a world, and nobody has to have keys for it; a variable that is given empty is a key that is missing. */
const modelKeys = Object.fromEntries(
  Object.values(knownProviders).flatMap(({ keyVariable }) =>
    keyVariable === undefined ? [] : [[keyVariable, 'simulated-key']],
  ),
)
/** One dollar for a million tokens of any of its models. */
const testProvider = { baseUrl: 'http://models.test/v1', prices: { '*': { input: 1, output: 1 } } }

const diskFailures = new Set(['DISK_FULL', 'JOURNAL_FAILED'])

export function livesOn(machine: Machine, options: LivesOptions): Lives {
  const { clock, random, disk, cells } = machine
  const told: JournalRecord[][] = []
  const intents = new Set<string>()
  const unannounced: { request: string; life: number }[] = []
  let present: Life | undefined
  let lifeClock: LifeClock | undefined
  let supervisor: Supervisor | undefined
  let handler: Handler | undefined
  let settled = false
  let closing = false

  const complain = (error: unknown): void => {
    if (!diskFailures.has((error as { code?: string }).code ?? '')) options.violated(`ring 0 failed: ${error}`)
  }

  const portsOf = (mine: Life, own: LifeClock) => {
    const http: HttpClient = {
      send(request, signal) {
        const name = requestOf(request)
        if (!intents.has(name)) unannounced.push({ request: name, life: mine.number })
        return machine.outside.send(request, signal)
      },
      close: machine.outside.close,
    }
    const launcher: CellLauncher = {
      ...cells,
      launch(spec, listener) {
        // Epoch 0 is no life: somebody looks at a turn of the past.
        if (spec.epoch > 0 && cells.living.some(({ process }) => process === spec.process))
          options.violated(`${spec.process} was given epoch ${spec.epoch} while an older life had not ended`)
        return cells.launch(spec, listener)
      },
    }
    return {
      clock: own,
      random: seededRandom(options.seed * 1_000 + told.length),
      fileSystem: fileSystemOf(mine, disk, machine.syncTime),
      fileWatcher: watcherOf(mine, machine.files),
      http: httpOf(mine, http),
      toolServers: serversOf(mine, machine.servers),
      models: modelsOf(mine, machine.models),
      compute: machine.compute,
      cells: cellsOf(mine, launcher),
      guestRuntime: { hash: 'runtime', code: '' },
      machine: {
        processors: 2,
        memoryMb: 4_096,
        residentMemory: true,
        permissions: true,
        weighsThreads: true,
        cgroupMemory: false,
      },
      lock: () => Promise.resolve({ release: () => Promise.resolve() }),
    }
  }

  const spawn = (name: string): Promise<unknown> => {
    const { run, payload, tools: ofModule, result, ...agent } = options.agents[name] as WorldAgent
    const isModule = [run, payload, ofModule, result].some((part) => part !== undefined)
    const entrypoint = isModule ? { entrypoint: entrypointOf(name) } : {}
    if (supervisor === undefined) return Promise.resolve()
    if (!('manifest' in agent)) {
      const { toolPolicy: tools = {}, ...configuration } = agent
      return supervisor.spawn({ ...configuration, name, ...entrypoint, tools })
    }
    const manifest = { ...agent.manifest, name, ...entrypoint }
    return supervisor.deploy({ manifest, baseDirectory: '/', by: 'program', start: true })
  }

  const boot = async (): Promise<void> => {
    if (closing) return
    if (told.length >= mostStarts) return options.violated(`ring 0 was started ${told.length} times and did not stay`)
    const mine = newLife(told.length)
    const own = clockOf(mine, clock)
    const heard: JournalRecord[] = []
    present = mine
    lifeClock = own
    told.push(heard)
    try {
      const started = await Supervisor.start({
        dataDir: worldDirectory,
        env: { ...modelKeys, ...options.env },
        config: {
          providers: { test: testProvider },
          cells: { size: 8, spares: 0, ...options.cells },
          groups: options.groups,
          budget: purseOf(options),
        },
        segmentBytes: options.segmentBytes,
        ballastBytes,
        checkpoints: options.checkpoints,
        ports: portsOf(mine, own),
      })
      if (mine.over) return
      supervisor = started
      handler = createHandler(started, { token: undefined, onError: complain })
      started.on('record', (record) => {
        if (mine.over) return
        heard.push(record)
        if (record.type === 'effect.intended' && record.data.kind === 'fetch') intents.add(requestOf(record.data.input))
        if (record.type === 'notice.queued') intents.add(noticeRequest(record.data.to))
        options.heard(record)
      })
      // A journal that has stopped ends the daemon; whatever is still in memory may do nothing more.
      started.on('fatal', () => die(mine))
      for (const name of Object.keys(options.agents)) {
        if (options.adopts || !started.list().some((each) => each.name === name)) await spawn(name)
        if (mine.over) return
      }
      settled = true
    } catch (error) {
      if (mine.over) return
      complain(error)
      die(mine)
    }
  }

  const die = (dying: Life | undefined): void => {
    if (dying === undefined || dying.over) return
    dying.end()
    // The kernel closes what a dead process had open.
    disk.kill()
    supervisor = undefined
    handler = undefined
    settled = false
    // The hub of a real cell sees its channel end; sometimes it does so later than ring 0 starts again.
    if (random.next() < 0.5) void cells.endOrphans()
    if (!closing) clock.setTimer(100 + random.next() * 5_000, () => void boot())
  }

  clock.setTimer(0, () => void boot())
  return {
    get supervisor() {
      return supervisor
    },
    get handler() {
      return handler
    },
    get present() {
      return present
    },
    get settled() {
      return settled
    },
    get starts() {
      return told.length
    },
    get armedTimers() {
      return lifeClock?.pending() ?? 0
    },
    told,
    unannounced,
    die: () => die(present),
    spawn,
    close() {
      closing = true
    },
  }
}

/** The purse of all together. */
function purseOf({ budget }: LivesOptions): Configuration['budget'] {
  if (budget === undefined) return undefined
  const read = parseConfiguration(JSON.stringify({ budget }), { file: '/vigil.yaml', env: {} })
  if (read.value === undefined) throw new Error(`the budget of the world: ${JSON.stringify(read.problems)}`)
  return read.value.budget
}

/** How a request is called in the checks; the intent keeps as much of it. */
function requestOf(input: unknown): string {
  const { method, url } = input as HttpRequest
  return `${method} ${url}`
}
