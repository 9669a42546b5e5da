import { type Client, createClient, type HttpRequest, type JournalRecord, observeFaultPoints } from '@vigil/protocol'
import type { Group, Supervisor } from '@vigil/supervisor'
import type { CheckpointPolicy } from '@vigil/supervisor/internal'
import type { ModelScript } from '../simulated-language-model.ts'
import type { SimulatedServer } from '../simulated-tool-servers.ts'
import { type Fault, type FaultAction, type FaultWatch, watchFor } from './faults.ts'
import { guardReality } from './guard.ts'
import { type Lives, livesOn, type WorldAgent } from './lives.ts'
import { type Machine, newMachine } from './machine.ts'
import type { Answers } from './outside.ts'

export interface WorldOptions {
  readonly seed: number
  readonly agents: Readonly<Record<string, WorldAgent>>
  readonly faults?: readonly Fault[]
  readonly answers?: Answers
  /** MCP servers by the names that manifests give them. */
  readonly servers?: Readonly<Record<string, SimulatedServer>>
  /** What models say, one answer for each call; default always `Done.` Those of the provider `test` cost $1 for a million tokens. */
  readonly model?: ModelScript
  /** What `${VAR}` in manifests and `context.env` find; default nothing. */
  readonly env?: Readonly<Record<string, string>>
  /** Requests that must reach the outside at most once; default none. */
  readonly onceOnly?: (request: HttpRequest) => boolean
  /** Whoever starts ring 0 adopts every agent again (a program), or registers what is not known (a service); default true. */
  readonly adopts?: boolean
  /** Size at which journal segments are sealed; default 16 KB, so that a short run has several. */
  readonly segmentBytes?: number
  /** When a checkpoint round is due; default every 10 s and every 50 records, so that a short run has several, and with a pause after each piece. */
  readonly checkpoints?: Partial<CheckpointPolicy>
  readonly groups?: readonly Group[]
  /** As in `vigil.yaml`. */
  readonly cells?: { readonly size?: number; readonly maxResident?: number }
  /** The purse of all together, as in `vigil.yaml`. */
  readonly budget?: Readonly<Record<string, unknown>>
  /** Wall time, ISO, at which the world begins; default 2026-01-01T00:00:00Z. */
  readonly now?: string
}

/**
 * The whole of ring 0 in virtual time: supervisor, journal, triggers and REST face are the real ones, and everything that
 * they touch obeys a seed. When ring 0 dies it is started again after some seconds, as a service manager would.
 *
 * @example
 * const w = world({ seed: 1, agents: { a: { run: () => 'done' } }, faults: [ring0.kill.after('turn.started', nth(2))] })
 * await w.run(60_000)
 * await w.stop()
 * expect((await judge(w)).violations).toEqual([])
 * w.close()
 */
export interface World
  extends Pick<Machine, 'clock' | 'disk' | 'cells' | 'files' | 'outside' | 'servers' | 'models'>,
    Pick<Lives, 'armedTimers' | 'told' | 'unannounced'> {
  readonly faults: FaultWatch
  /** The REST face; UNREACHABLE while ring 0 is down, also for what it did and could not tell. */
  readonly client: Client
  /** The same for requests of any kind from this machine: a path such as `/hooks/in`. */
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** Ring 0 of this moment; undefined while it is down. */
  readonly supervisor: Supervisor | undefined
  /** Ring 0 is up, and has every agent. */
  readonly settled: boolean
  /** How often ring 0 was started. */
  readonly starts: number
  /** What has gone wrong so far: things that may never be. */
  readonly violations: string[]
  /** Spawns an agent of the world again, as a program would; a violation if that does not come to an end. */
  adopt(name: string): void
  /** Kills ring 0 at this moment, as `kill -9` would. */
  kill(): void
  /** Lets virtual milliseconds pass. */
  run(ms: number): Promise<void>
  /** Lets time pass until `done`, at most `ms`; false when it did not come, or something has gone wrong. */
  until(done: () => boolean, ms: number): Promise<boolean>
  /** Stops ring 0 in order, and starts it no more. */
  stop(): Promise<void>
  /** Ends everything at once, without a word. */
  close(): void
}

const minuteMs = 60_000
const mostStops = 20

export function world(options: WorldOptions): World {
  const violations: string[] = []
  const violated = (what: string): void => void violations.push(what)
  const releaseReality = guardReality(violated)
  const machine = newMachine({
    ...options,
    onOperation: () => {
      if (lives.present?.over === false) faults.operated()
    },
  })
  const { clock, disk, cells } = machine

  const act = (does: FaultAction): void => {
    if (does.kind !== 'kill' && does.kind !== 'power_cut') return machine.suffer(does)
    lives.die()
    if (does.kind === 'power_cut') machine.losePower(does.kept)
  }
  const faults = watchFor(options.faults ?? [], { act, after: (ms, fire) => void clock.setTimer(ms, fire) })
  const {
    seed,
    agents,
    adopts = true,
    segmentBytes = 16_384,
    env = {},
    cells: inCells = {},
    groups = [],
    budget,
  } = options
  const { checkpoints = { everyMs: 10_000, everyRecords: 50, bytesAtOnce: 1 } } = options
  const heard = (record: JournalRecord): void => faults.recorded(record)
  const lives = livesOn(machine, {
    seed,
    agents,
    adopts,
    segmentBytes,
    env,
    cells: inCells,
    groups,
    budget,
    checkpoints,
    heard,
    violated,
  })
  const unobserve = observeFaultPoints((point) => {
    if (lives.present?.over === false) faults.passed(point)
  })

  const until = async (done: () => boolean, ms: number): Promise<boolean> => {
    const deadline = clock.monotonic() + ms
    while (!done()) {
      if (clock.monotonic() >= deadline || violations.length > 0) return done()
      await clock.advance(1_000)
    }
    return true
  }

  return {
    clock,
    disk,
    cells,
    files: machine.files,
    outside: machine.outside,
    servers: machine.servers,
    models: machine.models,
    faults,
    client: createClient({ url: base, fetch: (input, init) => reach(lives, new Request(input, init)) }),
    fetch: (path, init) => reach(lives, new Request(`${base}${path}`, init)),
    told: lives.told,
    unannounced: lives.unannounced,
    violations,
    get supervisor() {
      return lives.supervisor
    },
    get settled() {
      return lives.settled
    },
    get armedTimers() {
      return lives.armedTimers
    },
    get starts() {
      return lives.starts
    },
    adopt(name) {
      const mine = lives.present
      if (!lives.settled) return
      let ended = false
      const end = (): void => {
        ended = true
      }
      void lives.spawn(name).then(end, end)
      clock.setTimer(2 * minuteMs, () => {
        if (!ended && mine?.over === false) violated(`spawn of ${name} did not come to an end`)
      })
    },
    kill: () => lives.die(),
    run: (ms) => clock.advance(ms),
    until,
    async stop() {
      if (!(await stopInOrder(lives, until, violated))) violated('ring 0 did not stop within a minute')
      lives.close()
      lives.present?.end()
      disk.heal()
    },
    close() {
      lives.close()
      lives.present?.end()
      void cells.close()
      unobserve()
      releaseReality()
    },
  }
}

/** A fault may come in the middle of it: then ring 0 starts again and is stopped again. */
async function stopInOrder(lives: Lives, until: World['until'], violated: (what: string) => void): Promise<boolean> {
  for (let tries = 0; tries < mostStops; tries += 1) {
    // A dead disk lets nobody start for a minute, and on a full one the last words have no room.
    await until(() => lives.settled && lives.supervisor?.ready === true, 5 * minuteMs)
    const [mine, stopping] = [lives.present, lives.supervisor]
    if (stopping === undefined) return false
    let stopped = false
    void stopping.stop().then(
      () => {
        stopped = true
      },
      (error) => {
        if (mine?.over === false) violated(`ring 0 did not stop: ${error}`)
      },
    )
    await until(() => stopped || mine?.over === true, minuteMs)
    if (stopped) return true
    if (mine?.over === false) return false
  }
  return false
}

const base = 'http://world'

async function reach({ present, handler }: Lives, request: Request): Promise<Response> {
  if (present === undefined || present.over || handler === undefined) throw new Error('ECONNREFUSED')
  const answer = await Promise.race([handler(request, { remote: '127.0.0.1' }), present.ended])
  if (answer === undefined || present.over) throw new Error('ECONNRESET')
  return answer
}
