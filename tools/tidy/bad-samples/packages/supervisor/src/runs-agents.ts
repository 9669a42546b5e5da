import type { Reached } from '../../agent/src/reaches-ring-0.ts'
export type Run = Reached
