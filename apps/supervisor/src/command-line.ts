import { resolve } from 'node:path'
import { isLoopback } from '@vigil/api'
import { VigilError } from '@vigil/protocol'
import { Command, CommanderError, Option } from 'commander'

/**
 * What the daemon is told to do: flags, then environment, then defaults. Pure but for the words that
 * commander prints for `--help`.
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export interface Settings {
  /** Manifests or folders, absolute. */
  readonly paths: readonly string[]
  /** The fleet's configuration, absolute; undefined: the `vigil.yaml` of a folder among the paths, if there is one. */
  readonly config: string | undefined
  /** Absolute, or `:memory:`. */
  readonly data: string
  readonly host: string
  readonly port: number
  /** Where hooks have a listener of their own, beside that of the REST face. */
  readonly hooks: { readonly host: string; readonly port: number } | undefined
  readonly logLevel: LogLevel
  readonly json: boolean
  readonly auth: boolean
  /** The example fleet runs, because nothing was asked for. */
  readonly example: boolean
}

export type Order =
  | { readonly kind: 'run'; readonly settings: Settings; readonly env: Environment }
  | {
      readonly kind: 'validate'
      readonly paths: readonly string[]
      readonly config: string | undefined
      readonly json: boolean
      readonly env: Environment
    }
  | { readonly kind: 'help' }

export type Environment = Readonly<Record<string, string | undefined>>

export interface Surroundings {
  readonly env: Environment
  /** Where the user stands: relative paths start here. */
  readonly cwd: string
  readonly exampleFolder: string
  /** Reads `--env-file`; what is set already wins over it. */
  readonly readEnvFile: (path: string) => Environment
}

interface Flags {
  readonly data?: string
  readonly config?: string
  readonly host?: string
  readonly port?: string
  readonly hooksListen?: string
  readonly envFile?: string
  readonly logLevel: LogLevel
  readonly json?: true
  readonly auth: boolean
}

/** @throws INVALID_ARGUMENT */
export function readCommandLine(argv: readonly string[], surroundings: Surroundings): Order {
  let order: Order = { kind: 'help' }
  const at = (path: string) => resolve(surroundings.cwd, path)
  const program = new Command('vigil-supervisor')
    .description('Runs agents: the tree, the journal, the gate and the REST face.')
    .argument('[paths...]', 'manifests (*.agent) or folders of them; default: what the data directory holds')
    .option('--data <dir>', 'data directory, or :memory: (VIGIL_DATA; default .vigil)')
    .option('--host <host>', 'where to listen (VIGIL_HOST; default 127.0.0.1)')
    .option('--port <port>', 'where to listen, 0 picks a free port (VIGIL_PORT; default 9100)')
    .option('--hooks-listen <host:port>', 'a second listener, for webhooks and nothing else')
    .option(
      '--config <file>',
      'what belongs to the whole fleet (VIGIL_CONFIG; default vigil.yaml in a folder among the paths)',
    )
    .option('--env-file <file>', 'variables for manifests; what is set already wins')
    .addOption(
      new Option('--log-level <level>', 'least level shown')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    )
    .option('--json', 'print pino lines')
    .option('--no-auth', 'ask callers for no token; only on loopback')
    .enablePositionalOptions()
    .action((paths: string[], flags: Flags) => {
      const env = merged(flags, surroundings, at)
      order = { kind: 'run', settings: settingsOf(paths.map(at), flags, env, surroundings), env }
    })
  program
    .command('validate <paths...>')
    .description('Checks manifests and runs nothing.')
    .option('--json', 'print one JSON document')
    .option('--config <file>', 'check this configuration too; default vigil.yaml in a folder among the paths')
    .option('--env-file <file>', 'variables for manifests; what is set already wins')
    .action((paths: string[], flags: Flags) => {
      order = {
        kind: 'validate',
        paths: paths.map(at),
        config: flags.config === undefined ? undefined : at(flags.config),
        json: flags.json === true,
        env: merged(flags, surroundings, at),
      }
    })
  parse(program, argv)
  return order
}

function parse(program: Command, argv: readonly string[]): void {
  for (const command of [program, ...program.commands])
    command.exitOverride().configureOutput({ writeErr: () => undefined })
  try {
    program.parse(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode !== 0)
      throw new VigilError('INVALID_ARGUMENT', `${error.message.replace(/^error: /, '')} (see --help)`)
  }
}

function merged(flags: Flags, { env, readEnvFile }: Surroundings, at: (path: string) => string): Environment {
  return flags.envFile === undefined ? env : { ...readEnvFile(at(flags.envFile)), ...env }
}

function settingsOf(
  paths: readonly string[],
  flags: Flags,
  env: Environment,
  { cwd, exampleFolder }: Surroundings,
): Settings {
  const data = flags.data ?? env.VIGIL_DATA
  const config = flags.config ?? env.VIGIL_CONFIG
  const example = paths.length === 0 && data === undefined && config === undefined
  const host = flags.host ?? env.VIGIL_HOST ?? '127.0.0.1'
  if (!flags.auth && !isLoopback(host)) {
    throw new VigilError(
      'INVALID_ARGUMENT',
      `--no-auth: expected a loopback host, found ${host}; everybody who reaches it would be operator`,
    )
  }
  return {
    paths: example ? [exampleFolder] : paths,
    config: config === undefined ? undefined : resolve(cwd, config),
    data: data === ':memory:' ? data : resolve(cwd, data ?? '.vigil'),
    host,
    port: portOf(flags.port ?? env.VIGIL_PORT ?? '9100', '--port'),
    hooks: flags.hooksListen === undefined ? undefined : hooksAt(flags.hooksListen),
    logLevel: flags.logLevel,
    json: flags.json === true,
    auth: flags.auth,
    example,
  }
}

function hooksAt(text: string): { host: string; port: number } {
  const [, host, port] = /^(\[[\da-f:.]+\]|[^:[\]]+):(\d+)$/i.exec(text) ?? []
  if (host === undefined || port === undefined)
    throw new VigilError('INVALID_ARGUMENT', `--hooks-listen: expected HOST:PORT, found ${JSON.stringify(text)}`)
  return { host: host.replace(/^\[|\]$/g, ''), port: portOf(port, '--hooks-listen') }
}

function portOf(text: string, flag: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new VigilError('INVALID_ARGUMENT', `${flag}: expected a number from 0 to 65535, found ${JSON.stringify(text)}`)
}
