import { z } from 'zod'
import { record } from './record-row.ts'
import { by } from './record-shapes.ts'

const space = z.string().optional().describe('the shared memory; absent: the own of the process')
const key = z.string().optional().describe('of the call, when a turn made it')

/** What agents remember beside their state. */
export const memoryRecords = {
  'memory.stored': record(
    ['memory', 'turns'],
    'An entry of a memory: it stays, whatever becomes of its turn. One of the same id is replaced.',
    z.strictObject({
      id: z.string(),
      text: z.string(),
      tags: z.array(z.string()).optional(),
      entry_key: z.string().optional().describe('what its author calls it: the next under it takes its place'),
      space,
      key,
    }),
  ),
  'memory.embedded': record(
    ['memory'],
    'Entries of a memory have vectors, by which they are found beside their words.',
    z.strictObject({
      model: z.string(),
      vectors: z.array(z.tuple([z.string(), z.string()])).describe('id and 32-bit floats, little-endian, as base64'),
      space,
    }),
  ),
  'memory.forgotten': record(
    ['memory', 'turns'],
    'An entry of a memory is gone, or was not there.',
    z.strictObject({ id: z.string(), was_there: z.boolean(), space, key, by: by.optional() }),
  ),
}
