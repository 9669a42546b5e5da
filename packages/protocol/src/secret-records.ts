import { z } from 'zod'
import { record } from './record-row.ts'
import { by } from './record-shapes.ts'

/** What happens to secrets: names and versions, never a value. */
export const secretRecords = {
  'secret.used': record(
    ['process'],
    'A secret is about to be sent for an effect of this turn, or its bytes are about to be lent to the code of the turn; only its name is known here.',
    z.strictObject({
      key: z.string().optional(),
      name: z.string(),
      host: z.string().optional(),
      lease: z.literal(true).optional(),
    }),
  ),
  'secret.rotated': record(
    ['process'],
    'There is a new version of a secret: somebody set it, or it was made here. Older ones may not be used any more.',
    z.strictObject({
      name: z.string(),
      version: z.number(),
      origin: z.enum(['set', 'generated']),
      kept: z.enum(['sealed', 'memory']).describe('on the disk, or in the memory of this supervisor alone'),
      expires_at: z.string().optional(),
      by,
    }),
  ),
  'secret.revoked': record(
    ['process'],
    'Nobody may use a secret any more, wherever it lies.',
    z.strictObject({
      name: z.string(),
      version: z.number(),
      expired: z.boolean().optional().describe('its time to live has passed'),
      by,
    }),
  ),
  'secret.revealed': record(
    [],
    'A secret that was made here is about to be shown to somebody.',
    z.strictObject({ name: z.string(), version: z.number(), by }),
  ),
}
