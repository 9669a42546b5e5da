import { createInterface } from 'node:readline'
import { type RuntimeSurface, serveHooks } from '@vigil/api'
import { Supervisor, webhook } from '@vigil/supervisor'
import { payloadOf, systemClock, verifySignature } from '@vigil/supervisor/internal'
import { nullStore } from '../null-store.ts'

/**
 * `node ingest-server.ts KIND SECRET FOLDER`: listens for signed webhooks, prints its port once for each line of its input, and ends with
 * it. One listener, one form of answer; the kinds part in what they do with a request:
 * `journal`: all that Vigil does; the answer waits until the event is on the disk.
 * `null`: the same with a journal that keeps nothing.
 * `verified`: checks the signature, parses the body, and answers; it decides and remembers nothing.
 * `bare`: reads the body and answers.
 * The agent is suspended: what is measured is to take events in, and not to handle them. Each line of the input begins a round with a
 * new one: a mailbox does not grow for ever, it holds 10,000 events where nothing else is said.
 */
const [kind, secret = '', folder = ''] = process.argv.slice(2)
const eventId = '00000000-0000-4000-8000-000000000000'
const verification = { scheme: 'generic', secrets: [], header: 'x-webhook-signature', prefix: 'sha256=' } as const
const keys = [Buffer.from(secret)]

type Headers = Readonly<Record<string, string>>

const answers = (isGood: (headers: Headers, body: Uint8Array) => boolean) => ({
  async deliverHook({ headers, body }: Parameters<RuntimeSurface['deliverHook']>[0]) {
    // What is not as it should be is no 202, and does not count.
    if (!isGood(headers, await body())) throw new Error('expected the signed body of the bench')
    return { accepted: true, eventId, duplicate: false }
  },
})

const clock = systemClock()

async function supervisor() {
  const s = await Supervisor.start({
    env: { SECRET: secret },
    dataDir: folder,
    ...(kind === 'null' ? { ports: { journal: nullStore(clock) } } : {}),
  })
  return s
}

async function renew(s: Supervisor, round: number): Promise<void> {
  for (const old of s.list()) await old.remove()
  const agent = await s.spawn({
    name: `inbox-${round}`,
    entrypoint: new URL('../agents/clock-in.ts', import.meta.url),
    triggers: [webhook('/in', { scheme: 'generic', secret: '${SECRET}' })],
    mailbox: { max: 1_000_000 },
  })
  await agent.suspend()
}

const surfaces = {
  journal: supervisor,
  null: supervisor,
  verified: () =>
    answers((headers, body) => {
      const verdict = verifySignature(keys, { headers, body, nowMs: Date.now() }, verification)
      return verdict === 'good' && payloadOf(headers['content-type'], body) !== undefined
    }),
  bare: () => answers((_, body) => body.length > 0),
}
const surface = await surfaces[kind as keyof typeof surfaces]()
const listener = await serveHooks(surface as RuntimeSurface, { port: 0, token: undefined })
let round = 0
for await (const _ of createInterface({ input: process.stdin })) {
  round += 1
  if (surface instanceof Supervisor) await renew(surface, round)
  process.stdout.write(`${listener.port}\n`)
}
await listener.close()
if (surface instanceof Supervisor) await surface.stop()
clock.close()
