import { type FaultPoint, faultPoints, type Random, type RecordType } from '@vigil/protocol'
import type { Fault, FaultAction, FaultMoment } from '../world/faults.ts'

export const agentNames = ['clerk', 'ticker', 'watcher', 'reader', 'friend'] as const
export type AgentName = (typeof agentNames)[number]
const records: readonly RecordType[] = [
  'effect.intended',
  'effect.completed',
  'process.deployed',
  'turn.started',
  'turn.completed',
  'bus.published',
  'message.sent',
  'trigger.accepted',
  'incarnation.started',
  'incarnation.exited',
  'incarnation.released',
  'agent.described',
]

/** How long work comes in, virtual milliseconds; faults fall into it. */
export const busyMs = 90_000

export const oneOf = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T

/** How often a plan ends the life of an agent. */
export const deathsOf = (agent: string, plan: readonly Fault[]): number =>
  plan.filter(({ does }) => 'agent' in does && does.agent === agent && does.kind !== 'slow').length

/** To whom faults come, and when. */
export interface Setting {
  readonly agents: readonly string[]
  readonly records: readonly RecordType[]
  readonly busyMs: number
}

/** Three to seven faults, of which at least one takes ring 0 down. */
export function anyPlan(random: Random, setting: Setting = { agents: agentNames, records, busyMs }): Fault[] {
  const { agents, busyMs } = setting
  const count = 2 + Math.floor(random.next() * 5)
  const plan = Array.from(
    { length: count },
    (): Fault => ({ does: anyAction(random, agents), when: anyMoment(random, setting) }),
  )
  // Two crashes of its own while it works on the same events: poison.
  if (random.next() < 0.6) {
    const at = random.next() * busyMs
    const kind = oneOf(random, ['leak', 'forge'] as const)
    const agent = oneOf(random, agents.slice(0, 3))
    for (const later of [0, 1_500 + random.next() * 4_000])
      plan.push({ does: { kind, agent }, when: { at: at + later } })
  }
  // At a time, because any other moment may not come.
  return [...plan, { does: anyDeath(random), when: { at: 5_000 + random.next() * (busyMs - 5_000) } }]
}

function anyDeath(random: Random): FaultAction {
  if (random.next() < 0.5) return { kind: 'kill' }
  return { kind: 'power_cut', kept: Math.floor(random.next() * 2 ** 31) }
}

function anyAction(random: Random, agents: readonly string[]): FaultAction {
  const agent = oneOf(random, agents)
  switch (Math.floor(random.next() * 8)) {
    case 0:
    case 1:
      return anyDeath(random)
    case 2:
    case 3:
      return { kind: oneOf(random, ['crash', 'hang', 'leak', 'forge', 'zombie'] as const), agent }
    case 4:
      return { kind: 'slow', agent, ms: Math.floor(random.next() * 200) }
    case 5:
      return { kind: oneOf(random, ['disk_full', 'disk_error', 'disk_dead'] as const) }
    case 6:
      return { kind: oneOf(random, ['http_refused', 'http_500', 'http_lost_answer'] as const) }
    default:
      return random.next() < 0.5
        ? { kind: 'slow_disk', ms: Math.floor(random.next() * 500) }
        : { kind: 'clock_step', ms: Math.floor((random.next() - 0.5) * 7_200_000) }
  }
}

function anyMoment(random: Random, { records, busyMs }: Setting): FaultMoment {
  const pick = random.next()
  if (pick < 0.2) return { at: random.next() * busyMs }
  const nth = 1 + Math.floor(random.next() ** 2 * 40)
  if (pick < 0.5) return { after: oneOf(random, records), nth }
  const at_point = oneOf(random, Object.keys(faultPoints) as FaultPoint[])
  // Few passings of these come in a run.
  return { at_point, nth: /^(recovery|checkpoint|journal\.segment|incarnation)/.test(at_point) ? 1 + (nth % 3) : nth }
}
