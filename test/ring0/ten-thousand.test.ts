import type { JournalRecord, Random } from '@vigil/protocol'
import type { Group } from '@vigil/supervisor'
import { judge, seededRandom, type World, type WorldAgent, world } from '@vigil/testkit'
import { expect, test } from 'vitest'

/**
 * Ten thousand agents, some hundred of them in random trees: who dies, who goes down with him and who begins again is
 * foretold by a model of a page, and read from the log.
 */
interface Node {
  readonly name: string
  readonly strategy: Group['strategy']
  readonly intensity: number
  readonly children: readonly (string | Node)[]
  parent?: Node
  counted: number
}

const population = 10_000
const trees = 100
const incidents = 400
const seeds = process.env['VIGIL_TORTURE'] === undefined ? 1 : 20

const leaves = (child: string | Node): string[] =>
  typeof child === 'string' ? [child] : child.children.flatMap(leaves)
const groupsIn = (child: string | Node): Node[] =>
  typeof child === 'string' ? [] : [child, ...child.children.flatMap(groupsIn)]
const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T

function anyTree(random: Random, name: string, depth: number, nameAgent: () => string): Node {
  const children = Array.from({ length: 1 + Math.floor(random.next() * 4) }, (_, index) =>
    depth > 0 && random.next() < 0.3 ? anyTree(random, `${name}-${index}`, depth - 1, nameAgent) : nameAgent(),
  )
  const strategy = pick(random, ['one_for_one', 'one_for_all', 'rest_for_one'] as const)
  const node: Node = { name, strategy, intensity: Math.floor(random.next() * 7), children, counted: 0 }
  for (const child of children) if (typeof child !== 'string') child.parent = node
  return node
}

interface Consequence {
  /** Who is stopped, in order. */
  readonly stopped: string[]
  /** Who begins again, in order. */
  readonly started: string[]
  readonly parked: boolean
}

/** What follows from the death of a child. */
function consequence(node: Node, child: string | Node): Consequence {
  node.counted += 1
  const at = node.children.indexOf(child)
  if (node.counted > node.intensity) {
    const stopped = node.children.toSpliced(at, 1).flatMap(leaves).reverse()
    if (node.parent === undefined) return { stopped, started: [], parked: true }
    const above = consequence(node.parent, node)
    return { ...above, stopped: [...stopped, ...above.stopped] }
  }
  const first = { one_for_one: at, rest_for_one: at, one_for_all: 0 }[node.strategy]
  const past = node.strategy === 'one_for_one' ? at + 1 : node.children.length
  const again = node.children.slice(first, past)
  // A supervisor that begins again has counted nothing.
  for (const group of again.flatMap(groupsIn)) group.counted = 0
  const others = again.filter((each) => each !== child)
  return { stopped: others.flatMap(leaves).reverse(), started: again.flatMap(leaves), parked: false }
}

const groupOf = (node: Node): Group => ({
  name: node.name,
  strategy: node.strategy,
  intensity: node.intensity,
  periodMs: 24 * 3_600_000,
  autoShutdown: 'never',
  children: node.children.map((child) => (typeof child === 'string' ? child : child.name)),
})

const namesOf = (log: readonly JournalRecord[], type: JournalRecord['type']): string[] =>
  log.flatMap((record) => (record.type === type ? [record.process] : []))

async function populated(seed: number, roots: readonly Node[]): Promise<World> {
  const grouped = new Set(roots.flatMap(leaves))
  const one = { run: () => 'here', restartBackoff: 0, maxRestartsWithoutProgress: 1_000_000 } as const
  const agents: Record<string, WorldAgent> = {}
  for (let k = 0; k < population; k += 1) {
    const name = `agent-${k}`
    agents[name] = { ...one, hibernateAfter: grouped.has(name) ? 0 : '10s' }
  }
  const w = world({
    seed,
    agents,
    groups: roots.flatMap(groupsIn).map(groupOf),
    cells: { maxResident: 2_000 },
    segmentBytes: 200_000,
    checkpoints: { everyMs: 3_600_000, everyRecords: 1_000_000 },
  })
  expect(await w.until(() => w.settled, 24 * 3_600_000), 'all to be spawned').toBe(true)
  return w
}

test.each(Array.from({ length: seeds }, (_, index) => index + 1))(
  'ten thousand agents, seed %i',
  {
    timeout: 120_000,
  },
  async (seed) => {
    const random = seededRandom(seed)
    let named = 0
    const nameAgent = (): string => `agent-${named++}`
    const roots = Array.from({ length: trees }, (_, index) => anyTree(random, `tree-${index}`, 2, nameAgent))
    const nodes = roots.flatMap(groupsIn)
    const w = await populated(seed, roots)
    try {
      const told = w.told[0] as readonly JournalRecord[]
      /** Who was stopped and who was started while it was done. */
      const during = async (act: () => unknown) => {
        const before = told.length
        await Promise.all([act(), w.run(5_000)])
        const since = told.slice(before)
        return { stopped: namesOf(since, 'incarnation.exited'), started: namesOf(since, 'incarnation.started') }
      }
      const gone = new Set<Node>()
      const retired = new Set<string>()
      const stays = (name: string): boolean => !retired.has(name)
      let begun = 0
      for (let incident = 0; incident < incidents; incident += 1) {
        const node = pick(
          random,
          nodes.filter((each) => !gone.has(rootOf(each)) && agentsOf(each).some(stays)),
        )
        const victim = pick(random, agentsOf(node).filter(stays))
        if (random.next() < 0.1) {
          expect(await during(() => w.supervisor?.get(victim).stop())).toEqual({ stopped: [victim], started: [] })
          retired.add(victim)
          continue
        }
        const { stopped, started, parked } = consequence(node, victim)
        const foretold = { stopped: [victim, ...stopped.filter(stays)], started: started.filter(stays) }
        expect(await during(() => w.cells.crash(victim)), `seed ${seed}: ${victim} of ${node.name}`).toEqual(foretold)
        begun += foretold.started.length
        if (parked) gone.add(rootOf(node))
      }
      expect([begun > incidents / 2, retired.size > 20, gone.size > 20]).toEqual([true, true, true])
      // Those who rest are woken, and nobody else is.
      const sleepers = Array.from({ length: 50 }, (_, index) => `agent-${population - 1 - index * 7}`)
      const woken = await during(() => Promise.all(sleepers.map((name) => w.supervisor?.get(name).run())))
      expect(woken).toEqual({ stopped: [], started: sleepers })
      const before = told.length
      await w.stop()
      const atStop = told.slice(before)
      expect(namesOf(atStop, 'incarnation.started')).toEqual([])
      for (const root of roots) {
        const order = namesOf(atStop, 'incarnation.exited').filter((name) => leaves(root).includes(name))
        expect(order, root.name).toEqual(gone.has(root) ? [] : leaves(root).filter(stays).reverse())
      }
      expect((await judge(w)).violations).toEqual([])
    } finally {
      w.close()
    }
  },
)

const agentsOf = (node: Node): string[] => node.children.filter((child) => typeof child === 'string')

function rootOf(node: Node): Node {
  return node.parent === undefined ? node : rootOf(node.parent)
}
