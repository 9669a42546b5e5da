import type { Supervisor } from '../../supervisor/src/index.ts'
export type Reached = typeof Supervisor
