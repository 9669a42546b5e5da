import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const start = (...args: string[]) => {
  const options = { encoding: 'utf8', timeout: 25_000, env: { ...process.env, NODE_OPTIONS: '' } } as const
  return spawnSync(process.execPath, ['--no-warnings', main, ...args], options)
}

test.each([['bogus'], ['../cli'], []])('no app, exit 2 and the list of apps: %j', (...args) => {
  const { status, stderr } = start(...args)
  expect(status).toBe(2)
  expect(stderr).toContain('(cli, supervisor)')
})

test('the app sees its own arguments, as if it had been called itself', () => {
  const { status, stdout } = start('supervisor', '--help')
  expect(status).toBe(0)
  expect(stdout).toContain('Usage: vigil-supervisor')
})
