import { errorCode, type HookView, type JournalRecord } from '@vigil/protocol'
import type { Manifest, SecretReference, Trigger } from '@vigil/supervisor'
import { signedHeaders } from '../webhook-sender.ts'
import type { World } from '../world/world.ts'
import { type TestTurn, turnFrom } from './turn.ts'

/** Makes an event of a kind, and gives its turn. */
export interface Fire {
  (kind: 'manual', payload?: unknown): Promise<TestTurn>
  (kind: 'cron'): Promise<TestTurn>
  (kind: 'file', file: { readonly path: string; readonly text?: string }): Promise<TestTurn>
  /** Signed as the first webhook trigger of the agent wants it, with the secret that `env` or a file gives. */
  (kind: 'webhook', payload?: unknown): Promise<TestTurn>
  (kind: 'publish', event: { readonly topic: string; readonly data?: unknown }): Promise<TestTurn>
  (kind: 'message', message: { readonly content: unknown; readonly topic?: string }): Promise<TestTurn>
}

export interface FiringParts {
  readonly w: World
  readonly name: string
  readonly peer: string
  readonly env: Readonly<Record<string, string>>
  readonly put: (path: string, text: string) => Promise<void>
}

const patienceMs = 86_400_000
const longestStepMs = 10_000
const dying = new Set(['UNREACHABLE', 'STOPPING', 'DISK_FULL', 'JOURNAL_FAILED'])

export function firing({ w, name, peer, env, put }: FiringParts): Fire {
  let fired = 0

  /** What `look` finds: it looks again, with time in between, also when ring 0 dies under it. */
  const eventually = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
    const found: T[] = []
    let failed: unknown
    for (let waitedMs = 0, step = 1; waitedMs < patienceMs; waitedMs += step) {
      if (w.settled)
        void look().then(
          (value) => value !== undefined && found.push(value),
          (error) => {
            // What ring 0 says while it dies is no answer; it is asked again when it is back.
            if (!dying.has(errorCode(error) ?? '')) failed = error
          },
        )
      step = Math.min(longestStepMs, 1 + Math.floor(waitedMs / 10))
      await w.run(step)
      if (failed !== undefined) throw failed
      if (found[0] !== undefined) return found[0]
      if (w.violations.length > 0) throw new Error(`promises were broken: ${w.violations.join('; ')}`)
    }
    throw new Error(`expected ${what} within a virtual day, found ${describe(w, name)}`)
  }

  /** Under a key: who gets no answer asks again. */
  const post = (process: string, payload: unknown): Promise<string> => {
    fired += 1
    const idempotencyKey = `fire-${fired}`
    return eventually('an event to be accepted', async () => {
      const { event_id } = await w.client.postEvent(process, payload, { idempotencyKey })
      return event_id
    })
  }

  /** Under one id until somebody answers, as senders do. */
  const hook = (payload: unknown): Promise<string> => {
    fired += 1
    const id = `fire-${fired}`
    return eventually('a webhook to be accepted', async () => {
      const trigger = await webhookOf(w, name)
      if (trigger === undefined) return undefined
      const { verification, webhookPath } = trigger
      const secret = await secretOf(verification?.secrets[0])
      const body = JSON.stringify(payload)
      const signed = signedHeaders({ verification, secret, id, body, nowMs: w.clock.now() })
      const reply = await w
        .fetch(`/hooks${webhookPath}`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json', ...signed },
        })
        .catch(() => undefined)
      if (reply === undefined) return undefined
      const answer = (await reply.json()) as Partial<HookView> & { error?: { code: string; message: string } }
      if (answer.error !== undefined) throw Object.assign(new Error(answer.error.message), { code: answer.error.code })
      if ('reason' in answer) throw new Error(`the webhook ${webhookPath} did not take it: ${answer.reason}`)
      return 'event_id' in answer ? answer.event_id : undefined
    })
  }

  const secretOf = async (reference: SecretReference | undefined): Promise<string> => {
    if (reference === undefined) return ''
    if ('variable' in reference) return env[reference.variable] ?? ''
    return new TextDecoder().decode(await w.disk.readFile(reference.file)).replace(/\r?\n$/, '')
  }

  const said = async (payload: { to?: string; topic?: string; content: unknown }): Promise<string> => {
    const spoken = await post(peer, payload)
    return await eventually('a word to be delivered', async () => {
      const records = await recordsOf(w, peer)
      const turn = turnFrom(records, spoken)
      if (turn === undefined) return undefined
      if (turn.status === 'dead_lettered') throw new Error(`nobody heard it: ${turn.error?.message}`)
      const eventId = deliveredTo(name, records, spoken)
      if (eventId === undefined) throw new Error(`"${name}" has no trigger that hears ${payload.topic}`)
      return eventId
    })
  }

  /** The next event of a type that the agent's triggers accept. */
  const next = (type: string, since: number): Promise<string> =>
    eventually(
      `a ${type} event to be accepted`,
      async () =>
        (await recordsOf(w, name)).flatMap((record) =>
          record.n > since && record.type === 'trigger.accepted' && record.data.event.type === type
            ? [record.data.event.event_id]
            : [],
        )[0],
    )

  const made = async (kind: string, what: never): Promise<string> => {
    const since = (await eventually('its records', () => recordsOf(w, name))).at(-1)?.n ?? 0
    switch (kind) {
      case 'cron': {
        const slots =
          w.supervisor
            ?.get(name)
            .status()
            .triggers.flatMap(({ nextFire }) => nextFire ?? []) ?? []
        const [first] = slots.sort()
        if (first === undefined) throw new Error(`"${name}" has no cron trigger`)
        await w.run(Date.parse(first) - w.clock.now())
        return await next('cron', since)
      }
      case 'file': {
        const { path, text = '' } = what as { path: string; text?: string }
        await put(path, text)
        return await next('file_watch', since)
      }
      case 'webhook':
        return await hook(what ?? null)
      case 'publish': {
        const { topic, data } = what as { topic: string; data?: unknown }
        return await said({ topic, content: data })
      }
      case 'message':
        return await said({ to: name, ...(what as { content: unknown; topic?: string }) })
      default:
        return await post(name, what ?? null)
    }
  }

  return async (kind: string, what?: unknown) => {
    const eventId = await made(kind, what as never)
    return await eventually('the turn to end', async () => {
      const turn = turnFrom(await recordsOf(w, name), eventId)
      return turn && { ...turn, state: (await w.client.context(name)).state as TestTurn['state'] }
    })
  }
}

/** Oldest first. */
async function recordsOf(w: World, name: string): Promise<readonly JournalRecord[]> {
  const records: JournalRecord[] = []
  for (let before: number | undefined; ; before = records.at(-1)?.n) {
    const page = await w.supervisor?.get(name).journal({ limit: 200, ...(before === undefined ? {} : { before }) })
    if (page === undefined || page.records.length === 0) return records.reverse()
    records.push(...page.records)
  }
}

/** As it was deployed last. */
async function webhookOf(w: World, name: string): Promise<Extract<Trigger, { type: 'webhook' }> | undefined> {
  const deployed = (await recordsOf(w, name)).findLast((record) => record.type === 'process.deployed')
  if (deployed === undefined) return undefined
  const { triggers } = deployed.data.manifest as unknown as Manifest
  const found = triggers.find((trigger) => trigger.type === 'webhook')
  if (found === undefined) throw new Error(`"${name}" has no webhook trigger`)
  return found
}

function deliveredTo(name: string, records: readonly JournalRecord[], spoken: string): string | undefined {
  const turn = records.find((record) => record.type === 'turn.completed' && record.data.event_id === spoken)?.turn
  for (const record of records) {
    if (record.turn !== turn || (record.type !== 'bus.published' && record.type !== 'message.sent')) continue
    const delivery = record.data.deliveries.find(({ process }) => process === name)
    if (delivery !== undefined) return delivery.event_id
  }
  return undefined
}

function describe(w: World, name: string): string {
  const status = w.supervisor?.get(name).status()
  if (status === undefined) return 'ring 0 down'
  const { state, mailbox, parked } = status
  return `it ${state}${parked === undefined ? '' : ` (${parked})`} with ${mailbox.waiting} waiting and ${mailbox.open} open`
}
