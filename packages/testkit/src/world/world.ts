import type { AgentRun } from '@vigil/agent'
import { guestMain } from '@vigil/agent/internal'
import { createHandler, type Handler } from '@vigil/api'
import { type Client, createClient, type HttpRequest, type JournalRecord, observeFaultPoints } from '@vigil/protocol'
import { type SpawnSpec, Supervisor } from '@vigil/supervisor'
import { seededRandom } from '../seeded-random.ts'
import { type SimulatedCells, simulatedCellLauncher } from '../simulated-cell-launcher.ts'
import { simulatedCompute } from '../simulated-compute.ts'
import { type SimulatedFileSystem, simulatedFileSystem } from '../simulated-file-system.ts'
import { type SimulatedFileWatcher, simulatedFileWatcher } from '../simulated-file-watcher.ts'
import { type VirtualClock, virtualClock } from '../virtual-clock.ts'
import type { Fault, FaultAction, FaultWatch } from './faults.ts'
import { watchFor } from './faults.ts'
import { guardReality } from './guard.ts'
import { cellsOf, clockOf, fileSystemOf, httpOf, type Life, type LifeClock, newLife, watcherOf } from './life.ts'
import { type Outside, outside } from './outside.ts'

export type WorldAgent = Omit<SpawnSpec, 'name' | 'entrypoint'> & { readonly run: AgentRun }

export interface WorldOptions {
  readonly seed: number
  readonly agents: Readonly<Record<string, WorldAgent>>
  readonly faults?: readonly Fault[]
  /** What the outside answers to a request that reaches it; default 200. */
  readonly answers?: (request: HttpRequest) => { readonly status: number; readonly body?: string }
  /** Requests that must reach the outside at most once; default none. */
  readonly onceOnly?: (request: HttpRequest) => boolean
  /** Whoever starts ring 0 adopts every agent again (a program), or registers what is not known (a service); default true. */
  readonly adopts?: boolean
  /** Size at which journal segments are sealed; default 16 KB, so that a short run has several. */
  readonly segmentBytes?: number
}

/**
 * The whole of ring 0 in virtual time: supervisor, journal, triggers and REST face are the real ones, and everything that
 * they touch obeys a seed. When ring 0 dies it is started again after some seconds, as a service manager would.
 */
export interface World {
  readonly clock: VirtualClock
  readonly disk: SimulatedFileSystem
  readonly cells: SimulatedCells
  readonly files: SimulatedFileWatcher
  readonly outside: Outside
  readonly faults: FaultWatch
  /** Spawns an agent of the world again, as a program would; a violation if that does not come to an end. */
  adopt(name: string): void
  /** The REST face; UNREACHABLE while ring 0 is down, also for what it did and could not tell. */
  readonly client: Client
  /** Ring 0 of this moment; undefined while it is down. */
  readonly supervisor: Supervisor | undefined
  /** Ring 0 is up, and has every agent. */
  readonly settled: boolean
  /** Timers that the latest ring 0 has armed. */
  readonly armedTimers: number
  /** How often ring 0 was started. */
  readonly starts: number
  /** Records that observers were told of, by life: each has to be in the log for ever. */
  readonly told: readonly (readonly JournalRecord[])[]
  /** What has gone wrong so far: things that may never be. */
  readonly violations: string[]
  /** Requests that went out when nobody had been told of an intent: only an earlier life may have written it. */
  readonly unannounced: readonly { readonly request: string; readonly life: number }[]
  /** Lets virtual milliseconds pass. */
  run(ms: number): Promise<void>
  /** Lets time pass until `done`, at most `ms`; false when it did not come. */
  until(done: () => boolean, ms: number): Promise<boolean>
  /** Stops ring 0 in order; nothing is started again. */
  stop(): Promise<void>
  /** Ends everything at once, without a word. */
  close(): void
}

/** How a request is called in the checks; the intent keeps as much of it. */
export const requestOf = (input: unknown): string => {
  const { method, url } = input as HttpRequest
  return `${method} ${url}`
}

export const worldDirectory = '/data'
const minuteMs = 60_000
const mostStarts = 60
/** What a broken disk makes ring 0 say before it ends. */
const diskFailures = new Set(['DISK_FULL', 'JOURNAL_FAILED'])

export function world(options: WorldOptions): World {
  const random = seededRandom(options.seed)
  const clock = virtualClock()
  const disk = simulatedFileSystem({ now: () => clock.now() })
  const files = simulatedFileWatcher({ clock })
  const services = outside(clock, random, options)
  const compute = simulatedCompute(
    Object.fromEntries(Object.keys(options.agents).map((name) => [`/agents/${name}.js`, `// ${name}`])),
  )
  const violations: string[] = []
  const told: JournalRecord[][] = []
  const intents = new Set<string>()
  const unannounced: { request: string; life: number }[] = []
  const cells = simulatedCellLauncher({
    clock,
    startMs: () => Math.floor(random.next() * 100),
    // Most messages arrive within the tick; some take long enough to be overtaken by everything else.
    wireMs: () => (random.next() < 0.9 ? 0 : Math.ceil(random.next() * 5)),
    program: guestMain(
      ({ code }) => ({ default: options.agents[code.slice(3)]?.run }),
      () => ({ run: (_context, work) => work() }),
    ),
  })
  const releaseReality = guardReality((what) => violations.push(what))

  let life: Life | undefined
  let supervisor: Supervisor | undefined
  let handler: Handler | undefined
  let lifeClock: LifeClock | undefined
  let settled = false
  let starts = 0
  let slowDisk = { ms: 0, until: 0 }
  let closing = false

  const sleep = (ms: number): Promise<void> => new Promise((resolve) => clock.setTimer(ms, resolve))
  const syncTime = (): Promise<void> => {
    const ms = (slowDisk.until > clock.monotonic() ? slowDisk.ms : 0) + (random.next() < 0.2 ? 0 : random.next() * 3)
    return ms > 0 ? sleep(ms) : Promise.resolve()
  }

  const boot = async (): Promise<void> => {
    if (closing) return
    const mine = newLife(starts)
    starts += 1
    if (starts > mostStarts) {
      violations.push(`ring 0 was started ${starts} times and did not come to stay`)
      return
    }
    life = mine
    lifeClock = clockOf(mine, clock)
    const heard: JournalRecord[] = []
    told.push(heard)
    try {
      const started = await Supervisor.start({
        dataDir: worldDirectory,
        env: {},
        segmentBytes: options.segmentBytes ?? 16_384,
        checkpoints: { everyMs: 20_000, everyRecords: 150 },
        ports: {
          clock: lifeClock,
          random: seededRandom(options.seed * 1_000 + starts),
          fileSystem: fileSystemOf(mine, disk, syncTime),
          fileWatcher: watcherOf(mine, files),
          http: httpOf(mine, {
            send(request, signal) {
              const name = requestOf(request)
              if (!intents.has(name)) unannounced.push({ request: name, life: mine.number })
              return services.send(request, signal)
            },
            close: services.close,
          }),
          compute,
          cells: cellsOf(mine, {
            ...cells,
            launch(spec, listener) {
              if (cells.living.some(({ process }) => process === spec.process))
                violations.push(`${spec.process} was given epoch ${spec.epoch} while an older life had not ended`)
              return cells.launch(spec, listener)
            },
          }),
          guestRuntime: { hash: 'runtime', code: '' },
          lock: () => Promise.resolve({ release: () => Promise.resolve() }),
        },
      })
      if (mine.over) return
      supervisor = started
      handler = createHandler(started, { token: undefined, onError: complain })
      started.on('record', (record) => {
        if (mine.over) return
        heard.push(record)
        if (record.type === 'effect.intended' && record.data.kind === 'fetch') intents.add(requestOf(record.data.input))
        faults.recorded(record)
      })
      // A journal that has stopped ends the daemon; whatever is still in memory may do nothing more.
      started.on('fatal', () => die(mine))
      for (const [name, { run: _, ...spec }] of Object.entries(options.agents)) {
        if (mine.over) return
        if (options.adopts !== false || !started.list().some((each) => each.name === name))
          await started.spawn({ ...spec, name, entrypoint: `/agents/${name}.js` })
      }
      settled = !mine.over
    } catch (error) {
      if (mine.over) return
      const { code } = error as { code?: string }
      if (!diskFailures.has(code ?? '')) violations.push(`ring 0 did not start: ${error}`)
      die(mine)
    }
  }

  const complain = (error: unknown): void => {
    const { code } = error as { code?: string }
    if (!diskFailures.has(code ?? '')) violations.push(`ring 0 failed: ${error}`)
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

  const crashDisk = (kept: number): void => {
    let index = 0
    disk.crash({ keepSector: () => ((kept >> (index++ % 31)) & 1) === 1, keepNames: (kept & 1) === 1 })
    void cells.endOrphans()
  }

  const act = (does: FaultAction): void => {
    switch (does.kind) {
      case 'crash':
      case 'hang':
      case 'leak':
      case 'forge':
      case 'zombie':
        return cells[does.kind](does.agent)
      case 'slow':
        return cells.slow(does.agent, does.ms)
      case 'kill':
        return die(life)
      case 'power_cut':
        die(life)
        return crashDisk(does.kept)
      case 'disk_full':
        return disk.failNext({ operation: 'write', code: 'ENOSPC' })
      case 'disk_error':
        return disk.failNext({ operation: 'sync', code: 'EIO' })
      case 'slow_disk':
        slowDisk = { ms: does.ms, until: clock.monotonic() + minuteMs }
        return
      case 'http_refused':
      case 'http_500':
      case 'http_lost_answer':
        return services.suffer(does.kind, minuteMs)
      case 'clock_step':
        return clock.stepWall(does.ms)
    }
  }

  const faults = watchFor(options.faults ?? [], { act, after: (ms, fire) => void clock.setTimer(ms, fire) })
  const unobserve = observeFaultPoints((point) => {
    if (life?.over === false) faults.passed(point)
  })

  const client = createClient({
    url: 'http://world',
    fetch: async (input, init) => {
      const [mine, handle] = [life, handler]
      if (mine === undefined || mine.over || handle === undefined) throw new Error('ECONNREFUSED')
      const answer = await Promise.race([handle(new Request(input, init)), mine.ended])
      if (answer === undefined || mine.over) throw new Error('ECONNRESET')
      return answer
    },
  })

  void boot()

  const self: World = {
    clock,
    disk,
    cells,
    files,
    outside: services,
    faults,
    client,
    adopt(name) {
      const [mine, { run: _, ...spec }] = [life, options.agents[name] as WorldAgent]
      if (!settled || supervisor === undefined) return
      let resolved = false
      const done = (): void => {
        resolved = true
      }
      void supervisor.spawn({ ...spec, name, entrypoint: `/agents/${name}.js` }).then(done, done)
      clock.setTimer(2 * minuteMs, () => {
        if (!resolved && mine?.over === false) violations.push(`spawn of ${name} did not come to an end`)
      })
    },
    get supervisor() {
      return supervisor
    },
    get settled() {
      return settled
    },
    get armedTimers() {
      return lifeClock?.pending() ?? 0
    },
    get starts() {
      return starts
    },
    told,
    violations,
    unannounced,
    run: (ms) => clock.advance(ms),
    async until(done, ms) {
      const deadline = clock.monotonic() + ms
      while (!done()) {
        if (clock.monotonic() >= deadline || violations.length > 0) return done()
        await clock.advance(1_000)
      }
      return true
    },
    async stop() {
      // A fault may come in the middle of it: then ring 0 starts again and is stopped again.
      for (let tries = 0; !closing && tries < mostStarts; tries += 1) {
        await self.until(() => settled, minuteMs)
        const [mine, stopping] = [life, supervisor]
        if (stopping === undefined) break
        let stopped = false
        void stopping.stop().then(
          () => (stopped = true),
          (error) => complain(error),
        )
        await self.until(() => stopped || mine?.over === true, minuteMs)
        closing = stopped
        if (mine?.over === false) break
      }
      if (!closing) violations.push('ring 0 did not stop within a minute')
      closing = true
      life?.end()
      disk.heal()
    },
    close() {
      closing = true
      life?.end()
      void cells.close()
      unobserve()
      releaseReality()
    },
  }
  return self
}
