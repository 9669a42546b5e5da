import type { AgentDefinition, AgentRun } from '@vigil/agent'
import { guestMain } from '@vigil/agent/internal'
import type { Compute, HttpRequest, Random } from '@vigil/protocol'
import { seededRandom } from '../seeded-random.ts'
import { type SimulatedCells, simulatedCellLauncher } from '../simulated-cell-launcher.ts'
import { simulatedCompute } from '../simulated-compute.ts'
import { type SimulatedFileSystem, simulatedFileSystem } from '../simulated-file-system.ts'
import { type SimulatedFileWatcher, simulatedFileWatcher } from '../simulated-file-watcher.ts'
import { type ModelScript, type SimulatedLanguageModel, simulatedLanguageModel } from '../simulated-language-model.ts'
import { type SimulatedServer, type SimulatedToolServers, simulatedToolServers } from '../simulated-tool-servers.ts'
import { type VirtualClock, virtualClock } from '../virtual-clock.ts'
import type { FaultAction } from './faults.ts'
import { type Answers, type Outside, outside } from './outside.ts'

/** Everything in a world that outlives ring 0: its time, disk, cells, folders, and the services outside. */
export interface Machine {
  readonly random: Random
  readonly clock: VirtualClock
  readonly disk: SimulatedFileSystem
  readonly files: SimulatedFileWatcher
  readonly cells: SimulatedCells
  readonly outside: Outside
  readonly servers: SimulatedToolServers
  readonly models: SimulatedLanguageModel
  readonly compute: Compute
  /** The time that one sync takes. */
  syncTime(): Promise<void>
  /** Power off and on: of what was not synced, the sectors whose bit in `kept` is 1 survive, in turn. */
  losePower(kept: number): void
  /** What a fault does to the machine; the deaths of ring 0 are not its affair. */
  suffer(does: Exclude<FaultAction, { kind: 'kill' | 'power_cut' }>): void
}

export interface MachineOptions {
  readonly seed: number
  readonly agents: Readonly<Record<string, AgentDefinition>>
  readonly now?: string | undefined
  readonly answers?: Answers | undefined
  /** MCP servers by the names that manifests give them. */
  readonly servers?: Readonly<Record<string, SimulatedServer>> | undefined
  readonly model?: ModelScript | undefined
  readonly onceOnly?: ((request: HttpRequest) => boolean) | undefined
  /** Called before each operation on the disk. */
  readonly onOperation: () => void
}

/** How long the disk is slow, and the outside unwell. */
const minuteMs = 60_000

/** Stacks name folders of this machine, and records hold stacks: the same seed would give another run elsewhere. */
const placeless = ({ run, payload, tools, result }: AgentDefinition): AgentDefinition => ({
  ...(payload === undefined ? {} : { payload }),
  ...(tools === undefined ? {} : { tools }),
  ...(result === undefined ? {} : { result }),
  ...(run === undefined ? {} : { run: withoutPlaces(run) }),
})

const withoutPlaces =
  (run: AgentRun): AgentRun =>
  async (event, context) => {
    try {
      return await run(event, context)
    } catch (error) {
      if (error instanceof Error) error.stack = `${error.name}: ${error.message}`
      throw error
    }
  }

export const entrypointOf = (name: string): string => `/agents/${name}.js`

export function newMachine(options: MachineOptions): Machine {
  const random = seededRandom(options.seed)
  const clock = virtualClock(options.now === undefined ? {} : { now: Date.parse(options.now) })
  const disk = simulatedFileSystem({ now: () => clock.now(), onOperation: options.onOperation })
  const services = outside(clock, random, options)
  const cells = simulatedCellLauncher({
    clock,
    startMs: () => Math.floor(random.next() * 100),
    // Most messages arrive within the tick; some take long enough to be overtaken by everything else.
    wireMs: () => (random.next() < 0.9 ? 0 : Math.ceil(random.next() * 5)),
    // The module of an agent is its name; the guest's own `fetch` and `console` would be those of the test.
    program: guestMain(
      ({ code }) => {
        // An agent without a module has the code of none.
        return { default: placeless(options.agents[code] ?? {}) }
      },
      {
        takeGlobals: () => ({ run: (_context, work) => work() }),
        nextTurn: (act) => void clock.setTimer(0, act),
        after(ms, act) {
          const timer = clock.setTimer(ms, act)
          return () => timer.cancel()
        },
      },
    ),
  })
  let slowDisk = { ms: 0, until: 0 }

  return {
    random,
    clock,
    disk,
    files: simulatedFileWatcher({ clock }),
    cells,
    outside: services,
    servers: simulatedToolServers(options.servers ?? {}, { clock }),
    models: simulatedLanguageModel(options.model ?? (() => 'Done.'), { clock, delayMs: () => 1 + random.next() * 400 }),
    compute: simulatedCompute(
      Object.fromEntries(Object.keys(options.agents).map((name) => [entrypointOf(name), name])),
    ),
    syncTime() {
      const slow = slowDisk.until > clock.monotonic() ? slowDisk.ms : 0
      const ms = slow + (random.next() < 0.2 ? 0 : random.next() * 3)
      return ms > 0 ? new Promise((resolve) => clock.setTimer(ms, resolve)) : Promise.resolve()
    },
    losePower(kept) {
      let index = 0
      disk.crash({ keepSector: () => ((kept >> (index++ % 31)) & 1) === 1, keepNames: (kept & 1) === 1 })
      void cells.endOrphans()
    },
    suffer(does) {
      switch (does.kind) {
        case 'crash':
        case 'hang':
        case 'leak':
        case 'forge':
        case 'zombie':
          return cells[does.kind](does.agent)
        case 'slow':
          return cells.slow(does.agent, does.ms)
        case 'disk_full':
          disk.full(does.room)
          clock.setTimer(does.forMs ?? minuteMs, () => disk.roomAgain())
          return
        case 'disk_error':
          return disk.failNext({ operation: 'sync', code: 'EIO' })
        case 'disk_dead':
          disk.failFrom('sync', 'EIO')
          clock.setTimer(does.forMs ?? minuteMs, () => disk.heal())
          return
        case 'slow_disk':
          slowDisk = { ms: does.ms, until: clock.monotonic() + (does.forMs ?? minuteMs) }
          return
        case 'http_refused':
        case 'http_500':
        case 'http_lost_answer':
          return services.suffer(does.kind, does.forMs ?? minuteMs)
        case 'clock_step':
          return clock.stepWall(does.ms)
      }
    },
  }
}
