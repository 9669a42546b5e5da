import type { InlineAgent } from './test-agent/load.ts'
import { type TestAgent, type TestAgentOptions, testAgent } from './test-agent/test-agent.ts'
import type { Fault } from './world/faults.ts'
import { disk, ring0 } from './world/faults.ts'
import { type Judgement, judge } from './world/judge.ts'
import { type World, type WorldOptions, world } from './world/world.ts'

/** A world, and what happens in it. */
export interface WorldScenario {
  readonly world: Omit<WorldOptions, 'faults'>
  /** What people do; time passes by `w.run` and `w.until`. */
  readonly body: (w: World) => Promise<void>
}

/** An agent, and what happens to it. */
export interface AgentScenario {
  readonly agent: string | URL | InlineAgent
  readonly options?: TestAgentOptions
  readonly body: (t: TestAgent) => Promise<void>
}

/** What befalls an operation on the disk: transient, so that the next start finds it well again, or persistent for a minute. */
export const operationFaults: Readonly<Record<string, (nth: number) => Fault>> = {
  'ring 0 is killed': (nth) => ring0.kill.atOperation(nth),
  'the power fails, nothing unsynced survives': (nth) => ring0.cutPower(0).atOperation(nth),
  'the power fails, every other sector survives': (nth) => ring0.cutPower(0x5555_5555).atOperation(nth),
  'the next write finds the disk full': (nth) => disk.full().atOperation(nth),
  'the next sync fails': (nth) => disk.error().atOperation(nth),
  'no sync succeeds any more': (nth) => disk.dead().atOperation(nth),
}

export interface SweepOptions {
  /** What befalls the nth operation; default all of `operationFaults`, one after the other. */
  readonly faults?: readonly ((nth: number) => Fault)[]
  /** Only one in so many operations; default 1: all. */
  readonly every?: number
  /** The first operation; default 1. */
  readonly from?: number
}

type Check<Subject> = (subject: Subject, judgement: Judgement) => void | Promise<void>

/**
 * Lets each fault befall the 1st, 2nd ... nth operation of a scenario on the disk, each in a run of its own, until a run
 * ends without it. After each the judges speak, and then `check`. Returns how many runs there were.
 * @throws an Error that names the operation and the promises that were broken
 */
export function sweep(scenario: WorldScenario, check?: Check<World>, options?: SweepOptions): Promise<number>
export function sweep(scenario: AgentScenario, check?: Check<TestAgent>, options?: SweepOptions): Promise<number>
export async function sweep(
  scenario: WorldScenario | AgentScenario,
  check: Check<never> = () => undefined,
  { faults = Object.values(operationFaults), every = 1, from = 1 }: SweepOptions = {},
): Promise<number> {
  let runs = 0
  const befall = (fault: Fault): Promise<boolean> =>
    'agent' in scenario ? befallAgent(scenario, fault, check) : befallWorld(scenario, fault, check)
  for (const fault of faults) {
    for (let nth = from, came = true; came; nth += every) {
      came = await befall(fault(nth))
      runs += 1
    }
  }
  return runs
}

/** One run; false when it ended before the fault's operation came. */
async function befallWorld(
  { world: options, body }: WorldScenario,
  fault: Fault,
  check: Check<never>,
): Promise<boolean> {
  const w = world({ ...options, faults: [fault] })
  try {
    await body(w)
    await w.stop()
    await judged(fault, await judge(w), (judgement) => (check as Check<World>)(w, judgement))
    return w.faults.waiting === 0
  } finally {
    w.close()
  }
}

async function befallAgent(
  { agent, options, body }: AgentScenario,
  fault: Fault,
  check: Check<never>,
): Promise<boolean> {
  const t = await testAgent(agent, options, [fault])
  try {
    await body(t)
  } finally {
    await t.end()
  }
  await judged(fault, await t.end(), (judgement) => (check as Check<TestAgent>)(t, judgement))
  return t.world.faults.waiting === 0
}

async function judged(
  fault: Fault,
  judgement: Judgement,
  check: (of: Judgement) => void | Promise<void>,
): Promise<void> {
  if (judgement.violations.length > 0)
    throw new Error(`${JSON.stringify(fault)}: ${judgement.violations.slice(0, 5).join('; ')}`)
  await check(judgement)
}
