import { z } from 'zod'
import { oneOf, secretReference, section, text } from './fields.ts'

const urlWords = 'a URL such as https://hooks.example.com/vigil, or a reference such as ${HOOK_URL}'

/** Where people are told that they are needed. A URL that is a secret is named and not written down. */
export const notifySchema = z.strictObject(
  {
    webhook_url: z
      .string({ error: urlWords })
      .regex(/^(https?:\/\/[^\s]+|\$\{[A-Za-z_][A-Za-z0-9_]*\})$/, { error: urlWords }),
    format: oneOf(['standard', 'slack', 'discord', 'teams']).default('standard'),
    secret: secretReference.optional(),
  },
  section,
)

/** Where people are told that a budget has no room, and what that is called there. */
export const escalationSchema = z.strictObject(
  { ...notifySchema.shape, event_type: text('the name of an event').default('budget.exceeded') },
  section,
)

export type NotifyDocument = z.output<typeof notifySchema>

interface Wrong {
  readonly path: readonly string[]
  readonly expected: string
  readonly found: string
}

/** Whoever verifies needs a signature, and the others do not look at one. */
export function ofNotify(notify: NotifyDocument | undefined, path: readonly string[]): Wrong[] {
  if (notify === undefined) return []
  const { format, secret } = notify
  const wrong = (words: Omit<Wrong, 'path'>) => [{ path: [...path, 'secret'], ...words }]
  if (format === 'standard' && secret === undefined)
    return wrong({ expected: 'a secret, with which notices are signed', found: 'none beside format: standard' })
  if (format !== 'standard' && secret !== undefined)
    return wrong({ expected: 'format: standard beside a secret', found: `${format}, which has no signature` })
  return []
}
