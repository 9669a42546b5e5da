import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JournalRecord } from '@vigil/protocol'
import {
  type AgentHandle,
  type CellsConfiguration,
  type Configuration,
  defaultCells,
  defaultJournal,
  type Group,
  type SpawnSpec,
  Supervisor,
  type SupervisorEvents,
} from '@vigil/supervisor'
import { until } from './until.ts'

type AgentSpec = Omit<SpawnSpec, 'name' | 'entrypoint'> & { readonly entrypoint?: URL }

/** A supervisor on the real machine with agents that do what they are told. */
export interface Fleet extends AsyncDisposable {
  /** Of this moment. */
  readonly supervisor: Supervisor
  readonly records: readonly JournalRecord[]
  readonly reports: readonly Parameters<SupervisorEvents['report']>[0][]
  readonly lines: readonly string[]
  agent(name: string): AgentHandle
  /** Stops the supervisor and starts another on the same data. */
  restart(): Promise<void>
  /** Kills its cell from outside, once it has one; of an agent that shares one, its thread from inside. */
  murder(name: string): Promise<void>
  /** Names in the order of a kind of record, since the last look. */
  order(type: 'incarnation.started' | 'incarnation.exited'): string[]
  /** Until it runs its `epoch`th life. */
  lives(name: string, epoch: number): Promise<void>
}

const actor = new URL('../fixtures/actor/actor.ts', import.meta.url)

export async function fleet(
  agents: Readonly<Record<string, AgentSpec>>,
  groups: readonly (Partial<Group> & Pick<Group, 'name' | 'children'>)[] = [],
  cells: Partial<CellsConfiguration> = {},
): Promise<Fleet> {
  const dataDir = mkdtempSync(join(tmpdir(), 'vigil-fleet-'))
  const records: JournalRecord[] = []
  const reports: Parameters<SupervisorEvents['report']>[0][] = []
  const lines: string[] = []
  const looked = { 'incarnation.started': 0, 'incarnation.exited': 0 }
  const config: Configuration = {
    groups: groups.map((group) => ({
      strategy: 'one_for_one',
      intensity: 3,
      periodMs: 60_000,
      autoShutdown: 'never',
      ...group,
    })),
    cells: { ...defaultCells, ...cells },
    journal: defaultJournal,
    tokens: [],
    defaults: {},
  }
  const start = async (): Promise<Supervisor> => {
    const started = await Supervisor.start({ dataDir, config, logger: ({ message }) => lines.push(message) })
    started.on('record', (record) => records.push(record))
    started.on('report', (report) => reports.push(report))
    return started
  }
  let supervisor = await start()
  for (const [name, spec] of Object.entries(agents))
    await supervisor.spawn({ entrypoint: actor, restartBackoff: 0, ...spec, name })

  const agent = (name: string): AgentHandle => supervisor.get(name)
  // Records are told when they are durable, and the beginning of a life waits for company: reading makes it so.
  const told = (name: string): Promise<unknown> => agent(name).journal({ limit: 1 })
  for (const name of Object.keys(agents)) await told(name)
  return {
    get supervisor() {
      return supervisor
    },
    records,
    reports,
    lines,
    agent,
    async restart() {
      await supervisor.stop()
      supervisor = await start()
    },
    async murder(name) {
      const pid = await until(`${name} to have a cell`, () => agent(name).status().pid)
      if (agent(name).status().isolation === 'process') process.kill(pid, 'SIGKILL')
      else await agent(name).enqueue({ act: 'leave' })
    },
    order(type) {
      const names = records.filter((record) => record.type === type).map((record) => record.process as string)
      const fresh = names.slice(looked[type])
      looked[type] = names.length
      return fresh
    },
    async lives(name, epoch) {
      await until(`${name} to run life ${epoch}`, () => {
        const status = agent(name).status()
        return status.state === 'running' && status.epoch === epoch
      })
      await told(name)
    },
    async [Symbol.asyncDispose]() {
      await supervisor.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
