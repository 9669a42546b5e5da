import { errorCode, type Random, VigilError } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import { hookSecretName } from '../fold/secret-fold.ts'
import type { SecretOperations } from '../operations/secrets.ts'
import type { WebhookTrigger } from '../triggers/webhook/access.ts'
import { secretBytes } from './secret-page.ts'
import type { Vault } from './vault.ts'

export interface MadeSecretsParts {
  readonly vault: Pick<Vault, 'look'>
  readonly operations: Pick<SecretOperations, 'generate'>
  readonly random: Random
  /** Said to whoever reads the log. */
  readonly tell: (process: string, message: string) => void
}

/**
 * The signing secret of a hook whose manifest names none: made when it is first needed, and again when it was in the memory of a
 * supervisor that has ended.
 */
export function madeSecrets({ vault, operations, random, tell }: MadeSecretsParts) {
  return async (process: ProcessFold, trigger: WebhookTrigger): Promise<string> => {
    const name = hookSecretName(trigger)
    if (name === undefined) throw new VigilError('INTERNAL', `the hook ${trigger.webhookPath} has a secret of its own`)
    const text = async (): Promise<string> => Buffer.from(secretBytes(await vault.look(process, name))).toString()
    const before = process.secrets.get(name)
    if (before !== undefined) {
      const found = await text().catch((error: unknown) => {
        if (errorCode(error) === 'SECRET_MISSING' && before.kept === 'memory') return undefined
        throw error
      })
      if (found !== undefined) return found
    }
    const bytes = signingSecret(trigger.verification?.scheme ?? 'generic', random)
    await operations.generate(process, name, { bytes, seen: before?.version ?? 0 })
    const news = before === undefined ? '' : '; the one before was in the memory of a supervisor that has ended'
    tell(
      process.name,
      `made a signing secret for ${trigger.webhookPath}: vigil secrets reveal ${process.name} ${name}${news}`,
    )
    return await text()
  }
}

function signingSecret(scheme: NonNullable<WebhookTrigger['verification']>['scheme'], random: Random): Uint8Array {
  const raw = Buffer.from(random.bytes(scheme === 'standard' ? 24 : 32))
  return Buffer.from(scheme === 'standard' ? `whsec_${raw.toString('base64')}` : raw.toString('hex'))
}
