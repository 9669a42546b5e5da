import { circle } from '../../journal/src/floor.ts'
export const sibling = circle
