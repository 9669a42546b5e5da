import type { Fault } from './faults.ts'
import { disk, ring0 } from './faults.ts'
import { type Judgement, judge } from './judge.ts'
import { type World, type WorldOptions, world } from './world.ts'

/** A world, and what happens in it. */
export interface Scenario {
  readonly world: Omit<WorldOptions, 'faults'>
  /** What people do; time passes by `w.run` and `w.until`. */
  readonly body: (w: World) => Promise<void>
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

type Check = (w: World, judgement: Judgement) => void | Promise<void>

/**
 * Lets each fault befall the 1st, 2nd ... nth operation of a scenario on the disk, each in a run of its own, until a run
 * ends without it. After each the judges speak, and then `check`. Returns how many runs there were.
 * @throws an Error that names the operation and the promises that were broken
 */
export async function sweep(
  scenario: Scenario,
  check: Check = () => undefined,
  { faults = Object.values(operationFaults), every = 1, from = 1 }: SweepOptions = {},
): Promise<number> {
  let runs = 0
  for (const fault of faults) {
    for (let nth = from, came = true; came; nth += every) {
      came = await befall(scenario, fault(nth), check)
      runs += 1
    }
  }
  return runs
}

/** One run; false when it ended before the fault's operation came. */
async function befall(scenario: Scenario, fault: Fault, check: Check): Promise<boolean> {
  const w = world({ ...scenario.world, faults: [fault] })
  try {
    await scenario.body(w)
    await w.stop()
    const judgement = await judge(w)
    if (judgement.violations.length > 0)
      throw new Error(`${JSON.stringify(fault)}: ${judgement.violations.slice(0, 5).join('; ')}`)
    await check(w, judgement)
    return w.faults.waiting === 0
  } finally {
    w.close()
  }
}
