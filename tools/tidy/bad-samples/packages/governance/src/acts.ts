import { Supervisor } from '../../supervisor/src/index.ts'
export const act = () => Supervisor
