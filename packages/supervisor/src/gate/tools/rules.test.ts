import { expect, test } from 'vitest'
import { manifestFromSpec, type SpawnSpec } from '../../manifests/spec.ts'
import { unpricedTools } from './rules.ts'

const tools = [{ name: 'pay', cost: 0.5 }, { name: 'look' }, { name: 'sum', cost: 0 }, { name: 'send' }]
const policy = { 'se*': { cost: 0.1 }, look: { maxPerTurn: 3 } }

test.each<[string, SpawnSpec['budget'], string[]]>([
  ['a limit in dollars', { maxDailyCost: 2 }, ['look']],
  ['the default ones, which nobody wrote', {}, []],
  ['one of another kind', { maxToolCallsPerInvocation: 2 }, []],
  ['a limit and its price', { maxDailyCost: 2, toolCosts: { look: 0.1 } }, []],
])('beside %s the tools that nobody priced are %#', (_what, budget, unpriced) => {
  const spec = { name: 'a', entrypoint: '/a.ts', tools: policy, ...(budget === undefined ? {} : { budget }) }
  expect(unpricedTools(manifestFromSpec(spec, { baseDirectory: '/' }), tools)).toEqual(unpriced)
})
