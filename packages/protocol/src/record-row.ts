import type { z } from 'zod'

/** Which part of a process a record changes; docs/records.md is rendered from this table. */
export type FoldName =
  | 'process'
  | 'mailbox'
  | 'turns'
  | 'state'
  | 'triggers'
  | 'requests'
  | 'notices'
  | 'purse'
  | 'memory'

export interface RecordRow<Data extends z.ZodType> {
  readonly folds: readonly FoldName[]
  readonly help: string
  readonly data: Data
}

export const record = <Data extends z.ZodType>(
  folds: readonly FoldName[],
  help: string,
  data: Data,
): RecordRow<Data> => ({
  folds,
  help,
  data,
})
