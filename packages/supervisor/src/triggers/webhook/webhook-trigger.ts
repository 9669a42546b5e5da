import { VigilError } from '@vigil/protocol'
import type { ArmedTrigger, TriggerParts } from '../armed-trigger.ts'
import type { WebhookTrigger } from './access.ts'

/** Requests find their hooks by path, without it; it looks at the secrets at once, so that what is missing is told before the first request. */
export function webhookTrigger({ process, secrets, failed }: TriggerParts, trigger: WebhookTrigger): ArmedTrigger {
  const looked = lookAt()
  async function lookAt(): Promise<void> {
    if (trigger.verification === undefined) return
    if ((await secrets.keys(process, trigger)).length > 0) return
    failed(
      new VigilError('WEBHOOK_NO_SECRET', `webhook ${trigger.webhookPath} is unarmed: ${secrets.problem(trigger)}`),
    )
  }
  return { nextFire: () => undefined, close: () => looked }
}
