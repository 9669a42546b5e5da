import { setTimeout as delay } from 'node:timers/promises'
import { type Listener, serve, serveHooks } from '@vigil/api'
import { errorCode, exitCodeOf, exitCodes } from '@vigil/protocol'
import { loadConfiguration, loadManifests, type ProcessState, Supervisor } from '@vigil/supervisor'
import type { Environment, Settings } from './command-line.ts'
import { ensureToken, manifestDisk, removeEndpoint, writeEndpoint } from './data-files.ts'
import { incidentOf } from './incidents.ts'
import type { Output } from './output.ts'

/**
 * The composition root: configuration -> recovery -> listener -> signals. Manifests are read before the
 * data directory is touched, so a typo costs nothing.
 */
export interface RunInput {
  readonly settings: Settings
  readonly env: Environment
  readonly output: Output
  /** Resolves when the daemon is asked to end. */
  readonly asked: Promise<string>
}

/** Runs until it is asked to end or ring 0 gives up; resolves with the exit code. */
export async function run({ settings, env, output, asked }: RunInput): Promise<number> {
  const config = await loadConfiguration(
    { file: settings.config, paths: settings.paths },
    { fileSystem: manifestDisk, env },
  )
  const { defaults } = config
  // What stands in a manifest goes on record, and the key of the vault nowhere.
  const named = { ...env, VIGIL_KEY: undefined }
  const manifests = await loadManifests(settings.paths, { fileSystem: manifestDisk, env: named, defaults })
  const deploy = manifests.map(({ manifest, baseDirectory }) => ({ manifest, baseDirectory, by: 'manifest' as const }))
  const where = settings.data === ':memory:' ? { journal: 'memory' as const } : { dataDir: settings.data }
  const supervisor = await Supervisor.start({ ...where, config, env, logger: output.log, deploy })
  supervisor.on('record', (record) => {
    const incident = incidentOf(record)
    if (incident !== undefined) output.log(incident)
  })
  const fatal = new Promise<Error>((resolve) => supervisor.on('fatal', resolve))
  const listeners: Listener[] = []
  try {
    output.recovered(supervisor.report, (name) => stateOf(supervisor, name))
    const { token, file } = await ensureToken(settings.data, env.VIGIL_TOKEN)
    const access = {
      token: settings.auth ? token : undefined,
      tokens: config.tokens,
      onError: (error: unknown) =>
        output.problem(`a call failed: ${error instanceof Error ? error.message : String(error)}`),
    }
    const listener = await serve(supervisor, { host: settings.host, port: settings.port, ...access })
    listeners.push(listener)
    const hooks = settings.hooks && (await serveHooks(supervisor, { ...settings.hooks, ...access }))
    if (hooks !== undefined) listeners.push(hooks)
    await writeEndpoint(settings.data, { url: listener.url, pid: process.pid })
    await settled(supervisor)
    const processes = supervisor.list().map((agent) => agent.status())
    output.running(processes)
    if (hooks !== undefined) output.note(`webhooks at ${hooks.url}/hooks/`)
    output.ready({
      url: listener.url,
      processes,
      manifests: manifests.map(({ manifest }) => manifest),
      settings,
      token,
      tokenFile: file,
    })
    const end = await Promise.race([asked, fatal])
    if (end instanceof Error) return giveUp(end, output)
    output.note(`${end}: draining`)
  } catch (error) {
    await close(listeners, supervisor, settings)
    throw error
  }
  await close(listeners, supervisor, settings)
  output.note('stopped')
  return exitCodes.done
}

async function close(listeners: readonly Listener[], supervisor: Supervisor, settings: Settings): Promise<void> {
  await Promise.all(listeners.map((listener) => listener.close()))
  await supervisor.stop()
  await removeEndpoint(settings.data)
}

/** After a fatal error nothing may be written any more, not even a farewell: the next start recovers. */
function giveUp(error: Error, output: Output): number {
  output.problem(`fatal: ${error.message}`, { code: errorCode(error) ?? 'INTERNAL' })
  const cause = (error.cause as { code?: unknown } | undefined)?.code
  const code = exitCodeOf(error)
  return cause === 'ENOSPC' || code === exitCodes.diskFull ? exitCodes.diskFull : exitCodes.failed
}

const settlePatienceMs = 5_000

/** Cells take a moment to come up; what is printed as running should run. A slow one does not hold the rest. */
async function settled(supervisor: Supervisor): Promise<void> {
  const deadline = performance.now() + settlePatienceMs
  while (performance.now() < deadline && supervisor.list().some(({ state }) => state === 'starting')) await delay(20)
}

const stateOf = (supervisor: Supervisor, name: string): ProcessState | undefined =>
  supervisor.list().find((agent) => agent.name === name)?.state
