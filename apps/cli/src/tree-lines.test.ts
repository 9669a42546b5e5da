import type { TreeNodeView } from '@vigil/protocol'
import { expect, it } from 'vitest'
import { treeLines } from './tree-lines.ts'

const agent = (name: string, more: object = {}): TreeNodeView => ({
  kind: 'agent',
  name,
  state: 'running',
  restart: 'permanent',
  restarts: 0,
  ...more,
})
const group = (name: string, children: TreeNodeView[], more: object = {}): TreeNodeView => ({
  kind: 'group',
  name,
  state: 'running',
  strategy: 'one_for_one',
  intensity: 3,
  period_ms: 60_000,
  auto_shutdown: 'never',
  children,
  ...more,
})

it('draws groups in groups, and agents that stand alone with the limit of their own supervisor', () => {
  const night = group('night', [agent('a'), agent('b', { state: 'restarting', restarts: 2 })], {
    auto_shutdown: 'all_significant',
  })
  const nodes = [
    group('pipeline', [agent('reader', { pid: 7, restarts: 1 }), night, agent('writer')], { strategy: 'rest_for_one' }),
    agent('alone', { restart: 'transient', intensity: 1, period_ms: 5_000 }),
  ]
  expect(treeLines(nodes)).toEqual([
    'pipeline  running, rest_for_one, 3 restarts in 60 s',
    '├─ reader  running, permanent, restarted once, pid 7',
    '├─ night  running, one_for_one, 3 restarts in 60 s, ends with all_significant',
    '│  ├─ a  running, permanent',
    '│  └─ b  restarting, permanent, restarted 2 times',
    '└─ writer  running, permanent',
    'alone  running, transient, 1 restarts in 5 s',
  ])
})
