import { writeSync } from 'node:fs'
import type { Manifest, ProcessState, ProcessStatus, RecoveryReport, SupervisorEvents } from '@vigil/supervisor'
import pino from 'pino'
import { advice } from './advice.ts'
import type { LogLevel, Settings } from './command-line.ts'
import { clockTime, recoveryBlock } from './recovery-block.ts'

/** All that the daemon prints: lines for people, or the same as pino lines for machines. */
export interface Output {
  recovered(report: RecoveryReport, stateOf: (name: string) => ProcessState | undefined): void
  running(processes: readonly ProcessStatus[]): void
  ready(facts: ReadyFacts): void
  log: SupervisorEvents['log']
  note(message: string): void
  problem(message: string, fields?: Readonly<Record<string, unknown>>): void
}

export interface ReadyFacts {
  readonly url: string
  readonly processes: readonly ProcessStatus[]
  readonly manifests: readonly Manifest[]
  readonly settings: Settings
  readonly token: string | undefined
  readonly tokenFile: string | undefined
}

type Write = (text: string) => void

/** Written before the call returns, so that nothing is lost when the process ends right after. */
const print =
  (descriptor: 1 | 2): Write =>
  (text) => {
    try {
      writeSync(descriptor, `${text}\n`)
    } catch {
      // A reader that went away (EPIPE) or is slow (EAGAIN) must not take the agents down with it.
    }
  }

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 }

export function textOutput(level: LogLevel, out: Write = print(1), err: Write = print(2)): Output {
  const stamp = () => `[${clockTime(new Date())}]`
  return {
    recovered: (report, stateOf) => out(recoveryBlock({ report, now: new Date(), stateOf }).join('\n')),
    running: (processes) => {
      for (const { name, state, isolation, guarantee } of processes)
        out(`${stamp()} Process "${name}" ${state}, isolation ${isolation}: ${guarantee}`)
    },
    ready: ({ url, processes, manifests, settings, token, tokenFile }) => {
      if (settings.example) out(advice({ processes, manifests, pid: process.pid, tokenFile }).join('\n'))
      // Without a data directory there is no file to read the token from.
      if (settings.data === ':memory:' && settings.auth && token !== undefined) out(`token ${token}`)
      out(`vigil ready ${url} ${processes.length} processes data ${settings.data}`)
    },
    log: (line) => {
      if (ranks[line.level] < ranks[level]) return
      const fields = line.fields === undefined ? '' : ` ${JSON.stringify(line.fields)}`
      out(`${stamp()} ${line.process}${line.level === 'info' ? '' : ` ${line.level}`}: ${line.message}${fields}`)
    },
    note: (message) => out(`${stamp()} ${message}`),
    problem: (message) => err(`vigil: ${message}`),
  }
}

export function jsonOutput(
  level: LogLevel,
  destination: pino.DestinationStream = pino.destination({ dest: 1, sync: true }),
): Output {
  const logger = pino({ level, base: null }, destination)
  return {
    recovered: (report) => logger.info({ report }, 'recovered'),
    running: (processes) => {
      for (const { name, state, isolation, guarantee, pid } of processes)
        logger.info({ process: name, state, isolation, guarantee, pid }, 'process')
    },
    ready: ({ url, processes, settings, token }) => {
      const shown = settings.data === ':memory:' && settings.auth ? { token } : {}
      logger.info({ url, processes: processes.length, data: settings.data, pid: process.pid, ...shown }, 'ready')
    },
    log: ({ level: rank, message, ...fields }) => logger[rank](fields, message),
    note: (message) => logger.info(message),
    problem: (message, fields = {}) => logger.error(fields, message),
  }
}
