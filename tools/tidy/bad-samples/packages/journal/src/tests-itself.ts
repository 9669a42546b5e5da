import { twin } from '../../testkit/src/index.ts'
export const tested = twin
