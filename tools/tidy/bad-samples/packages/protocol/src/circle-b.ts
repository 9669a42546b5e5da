import type { a } from './circle-a.ts'
export const b = 1
export type A = typeof a
