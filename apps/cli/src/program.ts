import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { exitCodes, VigilError } from '@vigil/protocol'
import { Command, CommanderError } from 'commander'
import { addBudgetVerbs } from './budget-verbs.ts'
import { connect } from './connection.ts'
import { addDoctorVerb } from './doctor-verb.ts'
import type { Face, GlobalFlags } from './face.ts'
import { addHistoryVerbs } from './history-verbs.ts'
import { addJournalVerbs } from './journal-verbs.ts'
import { addMemoryVerbs } from './memory-verbs.ts'
import { addRequestVerbs } from './request-verbs.ts'
import { addRunVerb } from './run-verb.ts'
import { addSecretVerbs } from './secret-verbs.ts'
import { statusLines } from './status-lines.ts'
import { processTable } from './tables.ts'
import { treeLines } from './tree-lines.ts'
import { addTriggerVerbs } from './trigger-verbs.ts'
import { addTurnVerbs } from './turn-verbs.ts'

/** Runs one command line; resolves with the exit code. @throws errors of the table */
export async function runCommand(argv: readonly string[], face: Face): Promise<number> {
  let code: number = exitCodes.done
  const program = new Command('vigil')
    .description('The operating system for autonomous agents.')
    .option('--url <url>', 'the supervisor; default: what DATA/endpoint.json says')
    .option('--token <token>', 'default: VIGIL_TOKEN, then DATA/token')
    .option('--data <dir>', 'data directory (VIGIL_DATA; default .vigil)')
    .option('--json', 'JSON instead of tables')
  const flags = () => program.opts<GlobalFlags>()
  const client = () => connect(flags(), face)

  program
    .command('ps')
    .description('Lists processes.')
    .option('-l, --label <key=value>', 'only those with this label')
    .action(async ({ label }: { label?: string }) => {
      const list = await client().processes(label)
      for (const line of flags().json ? [JSON.stringify(list)] : processTable(list.processes)) face.print(line)
    })
  program
    .command('tree')
    .description('Groups with what stands under them, and agents that stand alone.')
    .action(async () => {
      const view = await client().tree()
      for (const line of flags().json ? [JSON.stringify(view)] : treeLines(view.tree)) face.print(line)
    })
  program
    .command('validate <files...>')
    .description('Checks manifests and runs nothing.')
    .option('--env-file <file>', 'variables for manifests')
    .option('--config <file>', 'check this configuration too; default vigil.yaml in a folder among the files')
    .action(async (files: string[], { envFile, config }: { envFile?: string; config?: string }) => {
      code = await validate([
        ...files,
        ...(envFile === undefined ? [] : ['--env-file', envFile]),
        ...(config === undefined ? [] : ['--config', config]),
        ...(flags().json ? ['--json'] : []),
      ])
    })
  addJournalVerbs(program, { client, face, flags, ended: (exitCode) => (code = exitCode) })
  const show = (view: unknown, lines: () => readonly string[]): void => {
    for (const line of flags().json ? [JSON.stringify(view)] : lines()) face.print(line)
  }
  for (const verb of ['start', 'stop', 'restart', 'suspend', 'resume'] as const)
    program
      .command(`${verb} <names...>`)
      .description(controlWords[verb])
      .action(async (names: string[]) => {
        for (const name of names) {
          const view = await client().control(name, verb)
          show(view, () => [`${view.name} is ${view.state}`])
        }
      })
  program
    .command('purge <name>')
    .description('Takes away the large bodies of a process that no event, open turn or dead letter needs.')
    .action(async (name: string) => {
      const view = await client().purge(name)
      show(view, () => [`${view.removed} bodies of ${name} are gone; their hashes stay in the journal`])
    })
  program
    .command('status <name>')
    .description('Everything about one process.')
    .action(async (name: string) => {
      const view = await client().process(name)
      show(view, () => statusLines(view))
    })
  const { signal } = face
  const ended = (exitCode: number): void => {
    code = exitCode
  }
  addRunVerb(program, { client, show, inputs: face, signal, ended, uuid: randomUUID })
  addTriggerVerbs(program, { client, show, inputs: face })
  addSecretVerbs(program, { client, show, inputs: face })
  addTurnVerbs(program, { client, show })
  addBudgetVerbs(program, { client, show })
  addRequestVerbs(program, { client, show, inputs: face })
  addHistoryVerbs(program, { client, show })
  addMemoryVerbs(program, { client, show })
  addDoctorVerb(program, { client, face, flags, ended })
  await parse(program, argv)
  return code
}

async function parse(program: Command, argv: readonly string[]): Promise<void> {
  const silence = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => undefined })
    command.commands.forEach(silence)
  }
  silence(program)
  try {
    await program.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode !== 0)
      throw new VigilError('INVALID_ARGUMENT', `${error.message.replace(/^error: /, '')} (see --help)`)
  }
}

const controlWords = {
  start: 'Starts stopped or failed processes.',
  stop: 'Drains, then stops.',
  restart: 'Stops and starts.',
  suspend: 'Goes on accepting events and runs none.',
  resume: 'Runs what waits.',
} as const

/** The daemon reads manifests, so it checks them too: started as a process, never imported. */
function validate(args: readonly string[]): Promise<number> {
  const daemon = fileURLToPath(new URL('../../supervisor/src/main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', daemon, 'validate', ...args], {
    stdio: 'inherit',
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? exitCodes.failed))
  })
}
