import type { Random } from '@vigil/protocol'
import { seededRandom } from '../seeded-random.ts'
import type { Fault } from '../world/faults.ts'
import { judge } from '../world/judge.ts'
import { type World, world } from '../world/world.ts'
import { anyPlan, oneOf } from './plan.ts'
import type { SimulationResult } from './simulate.ts'
import { type Bills, fleetBudget, spenderNames, spenders, twin } from './spenders.ts'
import { employTreasurer } from './treasurer.ts'

/** So long people send work. */
const busyMs = 100_000
const patienceMs = 3_600_000

/**
 * One seeded run of agents that spend, while ring 0, cells and clocks fail and people give, raise and cancel. The judge follows each
 * record with sums of its own; in the end what the world outside was paid may not be more than what is on record.
 */
export async function simulateSpending(seed: number, faults?: readonly Fault[]): Promise<SimulationResult> {
  const random = seededRandom(seed)
  const bills: Bills = new Map()
  const plan = anyPlan(random, { agents: spenderNames, records: spendingRecords, busyMs })
  const w = world({
    seed,
    agents: spenders(bills),
    faults: faults ?? plan,
    adopts: seed % 2 === 0,
    budget: fleetBudget,
    // Two hours before a night of 23 hours in Berlin, or one of 25.
    now: seed % 4 < 2 ? '2026-03-28T22:00:00Z' : '2026-10-24T22:00:00Z',
  })
  try {
    const work = sendWork(w, random)
    const treasurer = employTreasurer(w, seededRandom(seed + 1), bills)
    await w.run(busyMs)
    work.end()
    while (w.faults.count < 3 && w.faults.force()) await w.run(20_000)
    treasurer.rest()
    if (!(await w.until(() => w.settled && w.faults.timed === 0 && unrest(w) === '', patienceMs)))
      w.violations.push(`work is left: ${unrest(w)}`)
    treasurer.leave()
    await w.stop()
    const virtualMs = w.clock.monotonic()
    const { violations, log, money } = await judge(w, { verifies: false })
    const billed = [...bills.values()].reduce((sum, usd) => sum + Math.round(usd * 1_000_000), 0)
    const lost = billed > money.paid ? [`${billed} millionths were paid outside, and ${money.paid} are on record`] : []
    return {
      seed,
      faults: faults ?? plan,
      violations: [...violations, ...lost],
      records: log.length,
      effects: log.filter(({ type }) => type === 'effect.completed').length,
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

const spendingRecords = [
  'effect.intended',
  'effect.repeated',
  'effect.completed',
  'turn.started',
  'turn.completed',
  'budget.exceeded',
  'budget.charged',
  'budget.granted',
  'budget.changed',
  'clock.stepped',
] as const

/** Nobody waits for an answer: what was lost with ring 0 is sent by nobody again. */
function sendWork(w: World, random: Random) {
  let ended = false
  const next = (): void => {
    if (ended) return
    for (const _ of [1, 2, 3])
      void w.client.postEvent(oneOf(random, [...spenderNames, twin]), null).catch(() => undefined)
    w.clock.setTimer(random.next() * 2_500, next)
  }
  next()
  return {
    end() {
      ended = true
    },
  }
}

function unrest({ supervisor }: World): string {
  if (supervisor === undefined) return 'ring 0 is down'
  return supervisor
    .list()
    .map((agent) => agent.status())
    .filter(({ mailbox }) => mailbox.waiting + mailbox.open > 0)
    .map(({ name, state, mailbox }) => `${name} is ${state} with ${mailbox.waiting} waiting and ${mailbox.open} open`)
    .join(', ')
}
