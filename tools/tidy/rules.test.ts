import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/**
 * Each rule of the dependency checker against a file that breaks it: a pattern that matches nothing any more (a folder
 * was renamed, a resolver changed) would otherwise stay green for ever.
 */
const root = fileURLToPath(new URL('../..', import.meta.url))
const samples = fileURLToPath(new URL('./bad-samples', import.meta.url))

/** The file under bad-samples that has to be caught, by rule. */
const caught: Record<string, string> = {
  'no-circular': 'packages/protocol/src/circle-a.ts',
  'floor-0-protocol': 'packages/protocol/src/knows-journal.ts',
  'floor-1-journal': 'packages/journal/src/floor.ts',
  'floor-1-governance': 'packages/governance/src/acts.ts',
  'floor-1-isolate': 'packages/isolate/src/sibling.ts',
  'floor-2-agent': 'packages/agent/src/reaches-ring-0.ts',
  'floor-2-supervisor': 'packages/supervisor/src/runs-agents.ts',
  'floor-2-cluster': 'packages/cluster/src/runs-a-supervisor.ts',
  'floor-3-api': 'packages/api/src/past-the-supervisor.ts',
  'cli-sees-protocol-and-journal': 'apps/cli/src/reaches-in.ts',
  'nothing-imports-testkit': 'packages/journal/src/tests-itself.ts',
  'mouths-only': 'packages/api/src/deep.ts',
  'testkit-enters-by-mouths': 'packages/testkit/src/deep.ts',
  'examples-are-users': 'examples/fleet/insider.ts',
  'pure-cores': 'packages/supervisor/src/fold/impure.ts',
  'disk-through-the-port': 'packages/supervisor/src/gate/past-the-port.ts',
  'processes-through-the-port': 'packages/supervisor/src/gate/past-the-port.ts',
  'croner-is-a-calculator': 'packages/agent/src/vendors.ts',
  'chokidar-behind-its-port': 'packages/agent/src/vendors.ts',
  'bundler-behind-its-port': 'packages/agent/src/vendors.ts',
  'yaml-in-manifests': 'packages/agent/src/vendors.ts',
  'hono-in-api': 'packages/agent/src/vendors.ts',
  'commander-in-apps': 'packages/agent/src/vendors.ts',
  'msgpackr-for-checkpoints': 'packages/agent/src/vendors.ts',
  'undici-behind-its-port': 'packages/agent/src/vendors.ts',
  'mcp-in-the-gateway': 'packages/agent/src/vendors.ts',
  'postgres-in-cluster': 'packages/agent/src/vendors.ts',
  'no-unresolvable': 'packages/agent/src/vendors.ts',
}

/** The configuration is plain JavaScript, because the checker reads it without us. */
async function floors(): Promise<{ forbidden: { name: string; comment: string }[] }> {
  return (await import(`${root}/.dependency-cruiser.mjs`)).default
}

interface Cruise {
  readonly modules: { source: string; dependencies: { resolved: string }[] }[]
  readonly summary: { violations: { rule: { name: string }; from: string }[] }
}

function cruise(cwd: string, ...places: string[]): Cruise {
  const command = `${root}/node_modules/.bin/depcruise`
  const run = spawnSync(command, ['--config', `${root}/.dependency-cruiser.mjs`, '--output-type', 'json', ...places], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64_000_000,
    timeout: 25_000,
  })
  return JSON.parse(run.stdout)
}

/** `rule: file` for each violation. */
const violations = ({ summary }: Cruise): string[] =>
  summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`)

test('each rule of the floors catches its bad sample', () => {
  const expected = Object.entries(caught).map(([rule, file]) => `${rule}: ${file}`)
  expect(violations(cruise(samples, 'packages', 'apps', 'examples'))).toEqual(expect.arrayContaining(expected))
})

test('no rule is without a bad sample, and each teaches why', async () => {
  const { forbidden } = await floors()
  expect(forbidden.map(({ name }) => name).sort()).toEqual(Object.keys(caught).sort())
  expect(forbidden.filter(({ comment }) => comment.length < 20).map(({ name }) => name)).toEqual([])
})

test('the house keeps its rules, and the checker sees the libraries that it pins', () => {
  const house = cruise(root, 'packages', 'apps', 'tools/bench', 'tools/start', 'test', 'examples')
  expect(violations(house)).toEqual([])
  const seen = house.modules.flatMap(({ dependencies }) => dependencies.map(({ resolved }) => resolved))
  const pinned = ['chokidar', 'commander', 'croner', 'esbuild', 'hono', 'msgpackr', 'pg', 'piscina', 'undici', 'yaml']
  expect(pinned.filter((name) => !seen.some((path) => path.includes(`node_modules/${name}/`)))).toEqual([])
})
