import { circle } from '../../journal/src/floor.ts'
export const known = circle
