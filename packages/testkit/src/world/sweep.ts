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
  /** Every so manieth operation; default 1: all. */
  readonly every?: number
  /** The first operation; default 1. */
  readonly from?: number
}

/**
 * Lets `fault` befall the 1st, 2nd ... nth operation of a scenario, each in a run of its own, until a run ends without it.
 * After each the judges speak, and then `check`. Returns how many runs there were.
 * @throws an Error that names the operation and the promises that were broken
 */
export async function sweep(
  scenario: Scenario,
  fault: (nth: number) => Fault,
  check: (w: World, judgement: Judgement) => void | Promise<void> = () => undefined,
  { every = 1, from = 1 }: SweepOptions = {},
): Promise<number> {
  for (let nth = from, runs = 1; ; nth += every, runs += 1) {
    const planned = fault(nth)
    const w = world({ ...scenario.world, faults: [planned] })
    try {
      await scenario.body(w)
      const came = w.faults.waiting === 0
      await w.stop()
      const judgement = await judge(w)
      if (judgement.violations.length > 0)
        throw new Error(`operation ${nth}, ${planned.does.kind}: ${judgement.violations.slice(0, 5).join('; ')}`)
      await check(w, judgement)
      if (!came && w.faults.waiting > 0) return runs
    } finally {
      w.close()
    }
  }
}
