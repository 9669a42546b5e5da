import { Supervisor } from '../../supervisor/src/index.ts'
export const circle = Supervisor
