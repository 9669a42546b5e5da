import { eventsOf, type JournalRecord } from '@vigil/protocol'
import { seededRandom } from '../seeded-random.ts'
import type { Fault, FaultKind } from '../world/faults.ts'
import { type Judgement, judge } from '../world/judge.ts'
import { type World, world } from '../world/world.ts'
import { employ } from './employment.ts'
import { fleet } from './fleet.ts'
import { employPerson, type Person } from './person.ts'
import { agentNames, anyPlan, deathsOf } from './plan.ts'

export interface SimulationResult {
  readonly seed: number
  readonly faults: readonly Fault[]
  /** Promises that were broken, in words. */
  readonly violations: readonly string[]
  readonly records: number
  readonly effects: number
  /** What money did, and how often ring 0 was started. */
  readonly steps: number
  readonly starts: number
  readonly virtualMs: number
  readonly happened: ReadonlyMap<FaultKind, number>
  /** Record types and fault points at which one happened. */
  readonly places: ReadonlySet<string>
}

/** What a run has to reach before peace comes. */
const leastEffects = 300
const leastFaults = 3
const patienceMs = 3_600_000

/** One seeded run: a fleet at work, faults in between, peace in the end, and then the judges. */
export async function simulate(seed: number, faults?: readonly Fault[]): Promise<SimulationResult> {
  const random = seededRandom(seed)
  const members = fleet(random)
  const plan = anyPlan(random)
  const agents = Object.fromEntries(
    agentNames.map((name) => [name, { ...members[name], maxRestarts: deathsOf(name, plan) }]),
  )
  const w = world({
    seed,
    agents,
    faults: faults ?? plan,
    adopts: seed % 2 === 0,
    // Sometimes there is not room for all.
    cells: { maxResident: 2 + (seed % 7) },
    onceOnly: ({ url }) => url.includes('/once/'),
  })
  try {
    const employment = employ(w, random)
    const person = employPerson(w, seededRandom(seed + 1))
    // Until the last slot has come, and the last file has settled.
    await w.run(125_000)
    await w.until(() => effectsOf(w) >= leastEffects, patienceMs)
    // A moment that did not come by then comes now.
    while (w.faults.count < leastFaults && w.faults.force()) await w.run(20_000)
    employment.end()
    person.rest()
    const done = (): boolean => employment.asking === 0 && idle(w)
    if (!(await w.until(done, patienceMs)))
      w.violations.push(`work is left after ${patienceMs / 3_600_000} virtual hours: ${unrest(w)}`)
    person.leave()
    await w.stop()
    const virtualMs = w.clock.monotonic()
    const { violations, log, folds, money } = await judge(w, { verifies: seed % 10 === 0 })
    return {
      seed,
      faults: faults ?? plan,
      violations: [...violations, ...brokenAtWork(employment, person, log), ...brokenByPolicy(log, folds)],
      records: log.length,
      effects: log.filter(isEffect).length,
      steps: money.moves + w.starts,
      starts: w.starts,
      virtualMs,
      happened: w.faults.happened,
      places: w.faults.places,
    }
  } finally {
    w.close()
  }
}

const isEffect = ({ type, turn }: JournalRecord): boolean =>
  type === 'effect.completed' ||
  (turn !== undefined && ['bus.published', 'message.sent', 'memory.stored', 'memory.forgotten'].includes(type))

const effectsOf = (w: World): number => w.told.reduce((sum, heard) => sum + heard.filter(isEffect).length, 0)

/** What people and files brought is in the log, and what people were told is so. */
function brokenAtWork(work: ReturnType<typeof employ>, person: Person, log: readonly JournalRecord[]): string[] {
  const accepted = log.flatMap((record) => (record.type === 'trigger.accepted' ? [record.data.event] : []))
  const ids = new Set(accepted.map((event) => event.event_id))
  const seen = accepted.flatMap(({ type, payload }) =>
    type === 'file_watch' ? [(payload as { path: string }).path] : [],
  )
  // A batch that had begun meanwhile ended as a whole.
  const cancelled = new Set(log.flatMap((record) => (record.type === 'turn.cancelled' ? eventsOf(record.data) : [])))
  return [
    ...work.acknowledged.filter((id) => !ids.has(id)).map((id) => `event ${id} was acknowledged and is not in the log`),
    ...work.files.filter((path) => !seen.includes(path)).map((path) => `${path} came and was never accepted`),
    ...person.cancelled
      .filter((id) => !cancelled.has(id))
      .map((id) => `cancel of event ${id} was confirmed and is not on record`),
  ]
}

/** Policy bears each death of the plan once: who is parked could not be started, or was counted for more. */
function brokenByPolicy(log: readonly JournalRecord[], folds: Judgement['folds']): string[] {
  return [
    ...log.flatMap((record) =>
      record.type === 'process.parked' ? [`${record.process} was parked: ${record.data.reason}`] : [],
    ),
    ...[...folds.values()].flatMap((fold) =>
      (fold.state.get('turns') ?? 0) === fold.completed
        ? []
        : [`${fold.name} completed ${fold.completed} turns and counted ${fold.state.get('turns')}`],
    ),
  ]
}

const idle = (w: World): boolean => w.settled && w.faults.timed === 0 && unrest(w) === ''

function unrest({ supervisor }: World): string {
  if (supervisor === undefined) return 'ring 0 is down'
  return supervisor
    .list()
    .map((agent) => agent.status())
    .filter(({ state, mailbox }) => state !== 'running' || mailbox.waiting + mailbox.open > 0)
    .map(({ name, state, mailbox }) => `${name} is ${state} with ${mailbox.waiting} waiting and ${mailbox.open} open`)
    .join(', ')
}
