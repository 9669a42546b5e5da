import { inner } from '../../supervisor/src/inner.ts'
export const deeper = inner
