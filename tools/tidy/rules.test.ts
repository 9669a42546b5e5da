import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const samples = fileURLToPath(new URL('./bad-samples', import.meta.url))

/** Runs the dependency rules; answers `rule: file` for each violation. */
function violations(cwd: string, ...places: string[]): string[] {
  const command = `${root}/node_modules/.bin/depcruise`
  const run = spawnSync(command, ['--config', `${root}/.dependency-cruiser.mjs`, '--output-type', 'json', ...places], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64_000_000,
  })
  const { summary } = JSON.parse(run.stdout) as { summary: { violations: { rule: { name: string }; from: string }[] } }
  return summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`)
}

test('each rule of the floors catches its bad sample', () => {
  const found = violations(samples, 'packages')
  expect(found).toEqual(
    expect.arrayContaining([
      'floor-1-journal: packages/journal/src/floor.ts',
      'no-circular: packages/protocol/src/circle-a.ts',
      'pure-cores: packages/supervisor/src/fold/impure.ts',
      'disk-through-the-port: packages/supervisor/src/gate/past-the-port.ts',
      'processes-through-the-port: packages/supervisor/src/gate/past-the-port.ts',
      'mouths-only: packages/api/src/deep.ts',
    ]),
  )
})

test('the house keeps its rules', () => {
  expect(violations(root, 'packages', 'apps', 'tools/bench', 'tools/start', 'test')).toEqual([])
})
