import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { errorBody, errorCode, exitCodeOf, exitCodes, VigilError } from '@vigil/protocol'
import { type Environment, readCommandLine } from './command-line.ts'
import { jsonOutput, type Output, textOutput } from './output.ts'
import { run } from './run.ts'
import { validate } from './validate.ts'

/** The daemon's process: signals in, exit code out. Errors of the table are told in one line, never as a stack. */
let output: Output = textOutput('info')

function fail(error: unknown): never {
  const known = errorCode(error) !== undefined
  // An error that nobody foresaw is a bug: its stack is the report.
  const message = known || !(error instanceof Error) ? errorBody(error).message : (error.stack ?? error.message)
  output.problem(known ? `${errorCode(error)}: ${message}` : `fatal: ${message}`, {
    code: errorCode(error) ?? 'INTERNAL',
  })
  process.exit(known ? exitCodeOf(error) : exitCodes.failed)
}

function readEnvFile(path: string): Environment {
  try {
    return parseEnv(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new VigilError('INVALID_ARGUMENT', `--env-file: expected a file at ${path}: ${(error as Error).message}`)
  }
}

/** Resolves at the first SIGTERM or SIGINT; the second ends the process at once. */
function endAsked(): Promise<string> {
  return new Promise((resolve) => {
    let asked = false
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(exitCodes.failed)
        asked = true
        resolve(signal)
      })
    }
  })
}

async function main(): Promise<number> {
  const order = readCommandLine(process.argv.slice(2), {
    env: process.env,
    cwd: process.env.INIT_CWD ?? process.cwd(),
    exampleFolder: fileURLToPath(new URL('../../../examples/pipeline-watch', import.meta.url)),
    readEnvFile,
  })
  if (order.kind === 'help') return exitCodes.done
  if (order.kind === 'validate') {
    const { lines, document, exitCode } = await validate(order, order.env, new Date())
    process.stdout.write(`${order.json ? JSON.stringify(document) : lines.join('\n')}\n`)
    return exitCode
  }
  const { settings, env } = order
  output = settings.json ? jsonOutput(settings.logLevel) : textOutput(settings.logLevel)
  return await run({ settings, env, output, asked: endAsked() })
}

process.on('unhandledRejection', fail)
process.on('uncaughtException', fail)
main().then((code) => process.exit(code), fail)
