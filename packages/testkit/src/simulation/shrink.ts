import type { Fault } from '../world/faults.ts'
import type { SimulationResult } from './simulate.ts'

/** Leaves out one fault after the other as long as something still breaks; at most so many runs as the plan's square. */
export async function shrink(
  failed: SimulationResult,
  run: (seed: number, faults: readonly Fault[]) => Promise<SimulationResult>,
): Promise<SimulationResult> {
  let smallest = failed
  for (let index = 0; index < smallest.faults.length; ) {
    const fewer: Fault[] = smallest.faults.toSpliced(index, 1)
    const again = await run(failed.seed, fewer)
    if (again.violations.length === 0) index += 1
    else smallest = again
  }
  return smallest
}
