import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeFileSystem } from '@vigil/journal'
import { loadManifests, type Ports, type StartOptions, Supervisor } from '@vigil/supervisor'
import { fastClock } from './fast-clock.ts'

const example = fileURLToPath(new URL('../../examples/pipeline-watch', import.meta.url))

/** Puts the example into a folder of its own, with an empty inbox. */
export function copyExample(home: string): void {
  const own = new Set(['inbox', 'reports', 'node_modules'])
  mkdirSync(home, { recursive: true })
  cpSync(example, home, { recursive: true, filter: (path) => !own.has(basename(path)) })
  symlinkSync(join(example, 'node_modules'), join(home, 'node_modules'))
}

/** Starts the example as its manifests say, on a clock that runs ten times as fast, with small segments and many rounds. */
export async function startExample(home: string, dataDir: string, ports: Partial<Ports> = {}) {
  const manifests = await loadManifests([home], { fileSystem: nodeFileSystem(), env: {} })
  const clock = fastClock(10)
  const options: StartOptions = {
    dataDir,
    segmentBytes: 4_000,
    checkpoints: { everyRecords: 15 },
    deploy: manifests.map(({ manifest, baseDirectory }) => ({ manifest, baseDirectory, by: 'manifest' })),
    ports: { clock, ...ports },
  }
  const supervisor = await Supervisor.start(options)
  return {
    supervisor,
    /** Resolves when `files` datasets are in the report and nobody has anything to do. */
    async reported(files: number): Promise<void> {
      const done = (): boolean => filesIn(home) >= files && supervisor.list().every(({ status }) => isIdle(status()))
      const { promise, resolve } = Promise.withResolvers<void>()
      supervisor.on('record', () => done() && resolve())
      if (done()) resolve()
      await promise
    },
    async stop(): Promise<void> {
      await supervisor.stop()
      clock.close()
    },
  }
}

const isIdle = ({ mailbox }: { mailbox: { waiting: number; open: number } }): boolean =>
  mailbox.waiting + mailbox.open === 0

function filesIn(home: string): number {
  const report = join(home, 'reports/report.md')
  return existsSync(report) ? readFileSync(report, 'utf8').split('.csv |').length - 1 : 0
}
