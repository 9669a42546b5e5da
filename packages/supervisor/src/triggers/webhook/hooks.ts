import { type JournalRecord, type Random, type RecordType, VigilError } from '@vigil/protocol'
import { intake } from '../../delivery/intake.ts'
import type { ProcessFold } from '../../fold/process-fold.ts'
import { triggersOf } from '../../fold/trigger-layers.ts'
import type { RecordLog } from '../../runtime/record-log.ts'
import type { HookReply, HookRequest } from '../../surface.ts'
import { triggerId } from '../event-id.ts'
import { refusalOf, type WebhookTrigger } from './access.ts'
import { comparedBody, deliveryKey } from './delivery-key.ts'
import type { HookSecrets } from './hook-secrets.ts'
import { metadataOf } from './metadata.ts'
import { payloadOf } from './payload.ts'
import { replyOf, type Taken } from './reply.ts'
import { verify } from './schemes.ts'
import type { Verdict } from './signature.ts'

/** The hooks of all processes: from a request to events that are ours, or to the reason why not. */
export interface Hooks {
  /** @throws what docs/webhooks.md lists */
  deliver(request: HookRequest): Promise<HookReply>
  /** A record is durable: paths may have changed. */
  heard(record: JournalRecord): void
}

export interface HooksParts {
  readonly log: RecordLog
  readonly clock: { now(): number }
  readonly random: Random
  readonly secrets: HookSecrets
  readonly isStopped: (process: string) => boolean
}

interface Hook {
  readonly process: ProcessFold
  readonly trigger: WebhookTrigger
}

export function hooks({ log, clock, random, secrets, isStopped }: HooksParts): Hooks {
  let index: Map<string, Hook[]> | undefined

  const take = async ({ process, trigger }: Hook, request: HookRequest, bytes: Uint8Array): Promise<Taken> => {
    const { headers } = request
    const { verification } = trigger
    if (verification !== undefined) {
      const keys = await secrets.keys(process, trigger)
      if (keys.length === 0)
        throw new VigilError('WEBHOOK_NO_SECRET', 'this hook has no secret to verify anything with')
      const found = verify(keys, { headers, body: bytes, nowMs: clock.now() }, verification)
      if (found !== 'good') throw new VigilError('WEBHOOK_UNVERIFIED', words[found])
    }
    const payload = payloadOf(headers['content-type'], bytes)
    const challenge = verification?.scheme === 'slack' ? challengeIn(payload) : undefined
    if (challenge !== undefined) return { challenge }
    // The body took its time: the process may be gone, and a record of it would reach nobody.
    if (log.world.get(process.name) !== process || isStopped(process.name))
      throw new VigilError('PROCESS_STOPPED', 'the process that this hook wakes is stopped')
    const deliveryId = deliveryKey(headers, payload, verification)
    const event = {
      event_id: random.uuid(),
      trigger_id: triggerId(trigger),
      type: 'webhook' as const,
      timestamp: new Date(clock.now()).toISOString(),
      payload,
      metadata: metadataOf(request, { is: verification !== undefined, header: verification?.header, deliveryId }),
    }
    if (deliveryId === undefined) return await intake(log, process, { trigger, event })
    const body = comparedBody(payload, verification)
    return await intake(log, process, { trigger, event, key: deliveryId, body })
  }

  return {
    async deliver(request) {
      index ??= hooksByPath(log.world.values())
      const found = index.get(request.path) ?? []
      if (found.length === 0) throw new VigilError('HOOK_NOT_FOUND', `no agent has a webhook ${request.path}`)
      const refusals = found.map(({ trigger }) => refusalOf(trigger, request))
      const admitted = found.filter((_, at) => refusals[at] === undefined)
      const refused = refusals.filter((each) => each !== undefined)
      if (admitted.length === 0) return replyOf([], refused)
      const body = await request.body()
      const ends = await Promise.allSettled(admitted.map((hook) => take(hook, request, body)))
      return replyOf(
        ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : [])),
        [...ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as Error] : [])), ...refused],
      )
    },
    heard({ type }) {
      if (movesHooks.has(type)) index = undefined
    },
  }
}

const movesHooks: ReadonlySet<RecordType> = new Set([
  'process.deployed',
  'process.removed',
  'trigger.added',
  'trigger.removed',
])

const words: Readonly<Record<Exclude<Verdict, 'good'>, string>> = {
  unsigned: 'expected the headers of a signature, found none',
  stale: 'expected a time within five minutes of now, found another',
  wrong: 'expected a signature by the secret of this hook, found another',
}

/** By path, and of one path by the name of the process: the order in which a reply names events. */
function hooksByPath(processes: Iterable<ProcessFold>): Map<string, Hook[]> {
  const index = new Map<string, Hook[]>()
  for (const process of [...processes].sort((a, b) => (a.name < b.name ? -1 : 1)))
    for (const trigger of triggersOf(process))
      if (trigger.type === 'webhook') {
        const hooks = index.getOrInsertComputed(trigger.webhookPath, () => [])
        hooks.push({ process, trigger })
      }
  return index
}

/** Before Slack sends events to a place it asks it to repeat a word. */
function challengeIn(payload: unknown): string | undefined {
  const { type, challenge } = (payload ?? {}) as { type?: unknown; challenge?: unknown }
  return type === 'url_verification' && typeof challenge === 'string' ? challenge : undefined
}
