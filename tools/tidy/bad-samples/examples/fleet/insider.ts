import { Supervisor } from '../../packages/supervisor/src/index.ts'
export const inside = Supervisor
