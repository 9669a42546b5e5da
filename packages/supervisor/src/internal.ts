/** For the house's own tests and measurements: parts of ring 0 one by one. No promise is made about these names. */
export { createGate } from './gate/gate.ts'
export { systemClock } from './platform/clock.ts'
export { recordLog } from './runtime/record-log.ts'
