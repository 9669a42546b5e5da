import { expect, it } from 'vitest'
import type { Settings } from './command-line.ts'
import { jsonOutput, textOutput } from './output.ts'

const settings: Settings = {
  paths: [],
  config: undefined,
  data: '/d',
  host: 'h',
  port: 1,
  hooks: undefined,
  logLevel: 'info',
  json: false,
  auth: true,
  example: false,
}
const facts = {
  url: 'http://h:1',
  processes: [{ name: 'a' }, { name: 'b' }] as never,
  manifests: [],
  token: 'hidden',
  tokenFile: '/d/token',
}

it('ends with the ready line, and shows the token only where no file can hold it', () => {
  const lines: string[] = []
  const output = textOutput('info', (line) => lines.push(line))
  output.ready({ ...facts, settings })
  expect(lines).toEqual(['vigil ready http://h:1 2 processes data /d'])
  output.ready({ ...facts, settings: { ...settings, data: ':memory:' } })
  expect(lines.slice(1)).toEqual(['token hidden', 'vigil ready http://h:1 2 processes data :memory:'])
})

it('shows log lines from the level on', () => {
  const lines: string[] = []
  const output = textOutput('warn', (line) => lines.push(line))
  output.log({ process: 'a', level: 'info', message: 'quiet' })
  output.log({ process: 'a', level: 'error', message: 'loud', fields: { n: 1 } })
  expect(lines.map((line) => line.replace(/^\[[\d:]+\] /, ''))).toEqual(['a error: loud {"n":1}'])
})

it('says the same as pino lines', () => {
  const lines: Record<string, unknown>[] = []
  const output = jsonOutput('info', { write: (line: string) => void lines.push(JSON.parse(line)) })
  output.ready({ ...facts, settings })
  output.log({ process: 'a', turn: 't', level: 'warn', message: 'hm' })
  output.log({ process: 'a', level: 'debug', message: 'quiet' })
  expect(lines).toMatchObject([
    { level: 30, msg: 'ready', url: 'http://h:1', processes: 2, data: '/d', pid: process.pid },
    { level: 40, msg: 'hm', process: 'a', turn: 't' },
  ])
  expect(JSON.stringify(lines)).not.toContain('hidden')
})
