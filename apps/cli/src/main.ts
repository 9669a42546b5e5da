import { writeSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { errorCode, errorTable, exitCodeOf, exitCodes } from '@vigil/protocol'
import { readIfThere } from './connection.ts'
import { runCommand } from './program.ts'

/** The process of the command line: one command, one exit code of the table. */
const ended = new AbortController()
process.once('SIGINT', () => ended.abort())
process.once('SIGTERM', () => ended.abort())
// `vigil journal show x | head` closes the pipe early; that is the reader's right.
process.stdout.on('error', () => process.exit(exitCodes.done))

function fail(error: unknown): never {
  const code = errorCode(error)
  const message = error instanceof Error ? error.message : String(error)
  // An error that nobody foresaw is a bug: its stack is the report.
  const words = code === undefined ? ((error as Error).stack ?? message) : `${message}\n${errorTable[code].help}`
  writeSync(2, `vigil: ${words}\n`)
  process.exit(exitCodeOf(error))
}

runCommand(process.argv.slice(2), {
  env: process.env,
  cwd: process.env.INIT_CWD ?? process.cwd(),
  read: readIfThere,
  print: (line) => process.stdout.write(`${line}\n`),
  stdin: () => text(process.stdin),
  signal: ended.signal,
}).then((code) => {
  process.exitCode = code
}, fail)
