/** Seeded runs of a fleet of the house's own, for `pnpm sim` and the tests of ring 0. */
export { type Fault, type FaultKind, faultKinds } from '../world/faults.ts'
export { shrink } from './shrink.ts'
export { type SimulationResult, simulate } from './simulate.ts'
export { simulateSpending } from './spending.ts'
