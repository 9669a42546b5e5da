import { createHmac } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '@vigil/protocol'
import type { Daemon } from '../daemon.ts'
import type { EffectsLedger } from '../effects-ledger/ledger.ts'
import { post } from '../hook-fleet.ts'
import { until } from '../until.ts'
import type { Asked, Witnessed } from './asked.ts'
import { setThingsRight } from './person.ts'

export interface Employment {
  readonly asked: readonly Asked[]
  readonly witnessed: readonly Witnessed[]
  /** So many more things may be asked. */
  allow(count: number): void
  /** Nothing new is asked; whoever has no answer asks until there is one. */
  finish(): Promise<void>
  /** Ends everybody. */
  end(): Promise<void>
}

interface Place {
  readonly inbox: string
  readonly secret: string
  readonly random: Random
  readonly ledger: EffectsLedger
  /** The supervisor of this moment; calls to one that is dead fail. */
  readonly daemon: () => Daemon | undefined
}

/** Clients who ask again until they are answered, somebody who looks on, and a person who puts right what is left to people. */
export function employ(place: Place): Employment {
  const { random } = place
  const asked: Asked[] = []
  const witnessed: Witnessed[] = []
  let allowed = 0
  let going = true
  const unanswered = (): Asked[] => asked.filter(({ eventId, agent }) => eventId === undefined && agent !== 'watcher')
  const working = (async () => {
    while (going) {
      const daemon = place.daemon()
      if (daemon === undefined) {
        await until('a supervisor', () => place.daemon() !== undefined || !going, 120_000)
        continue
      }
      if (allowed > 0) {
        allowed -= 1
        asked.push(somethingNew(asked.length, random))
      }
      const next = asked.at(-1)
      if (next?.agent === 'watcher' && next.eventId === undefined) drop(place, next)
      try {
        for (const each of unanswered()) await ask(place, daemon, each)
        // Who was answered asks once more: it must come to nothing.
        const again = asked[Math.floor(random.next() * asked.length)]
        if (again !== undefined && again.agent !== 'watcher' && random.next() < 0.2) await ask(place, daemon, again)
        if (next !== undefined && random.next() < 0.1) await cancel(daemon, next)
        if (random.next() < 0.3) await setThingsRight(daemon, { asked, ledger: place.ledger, random })
        if (random.next() < 0.1) witnessed.push(...(await look(daemon, random)))
      } catch (error) {
        if (!isDeath(error)) throw error
      }
      if (allowed === 0) await until('something to do', () => allowed > 0 || !going, 60).catch(() => undefined)
    }
  })()
  working.catch(() => {
    going = false
  })
  return {
    asked,
    witnessed,
    allow(count) {
      allowed = count
    },
    async finish() {
      allowed = 0
      await until('an answer for everybody', () => unanswered().length === 0 || !going, 120_000)
    },
    async end() {
      going = false
      await working
    },
  }
}

function somethingNew(number: number, random: Random): Asked {
  const agent = (['desk', 'desk', 'teller', 'teller', 'watcher'] as const)[Math.floor(random.next() * 5)] ?? 'desk'
  return { agent, name: agent === 'watcher' ? `part-${number}.csv` : `${agent}-${number}` }
}

function drop({ inbox }: Place, file: Asked): void {
  writeFileSync(join(inbox, '..', file.name), 'a,b\n1,2\n'.repeat(file.name.length))
  renameSync(join(inbox, '..', file.name), join(inbox, file.name))
  file.eventId = 'named by the supervisor'
}

async function ask({ secret }: Place, daemon: Daemon, asked: Asked): Promise<void> {
  const { agent, name } = asked
  const number = Number(name.split('-')[1])
  const payload =
    agent === 'desk' ? { name, bad: number % 7 === 0 ? 'once' : number % 11 === 0 ? 'until pardoned' : 'no' } : { name }
  const answer =
    agent === 'desk'
      ? await daemon.call('POST', '/processes/desk/events', payload, { 'idempotency-key': name })
      : await post(daemon.url, '/pay', signed(JSON.stringify(payload), secret, name))
  // It may be full for a moment; a client comes again.
  if (answer.status === 503) return
  const { event_id: eventId } = answer.body as { event_id?: string }
  if (answer.status !== 202 || eventId === undefined)
    throw new Error(`${name}: expected 202, found ${answer.status} ${JSON.stringify(answer.body)}`)
  if (asked.eventId !== undefined && asked.eventId !== eventId)
    throw new Error(`${name} was acknowledged as ${asked.eventId} and then as ${eventId}`)
  asked.eventId = eventId
}

function signed(body: string, secret: string, delivery: string) {
  const code = createHmac('sha256', secret).update(body).digest('hex')
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'x-hub-signature-256': `sha256=${code}`,
      'x-github-delivery': delivery,
    },
  }
}

async function cancel(daemon: Daemon, asked: Asked): Promise<void> {
  if (asked.agent !== 'desk' || asked.eventId === undefined) return
  const { status } = await daemon.call('POST', `/processes/desk/turns/${turnOf(asked.eventId)}/cancel`, {})
  // 404: it has ended.
  if (status === 200) asked.cancelled = true
}

const turnOf = (eventId: string): string => `t-${eventId}`

async function look(daemon: Daemon, random: Random): Promise<Witnessed[]> {
  const name = ['desk', 'teller', 'clerk', 'ticker', 'watcher'][Math.floor(random.next() * 5)]
  const { body } = await daemon.call('GET', `/processes/${name}/journal?limit=20`)
  const entries = (body['entries'] ?? []) as { n: number; type: string; at: string }[]
  return entries.map(({ n, type, at }) => ({ process: name as string, n, type, at }))
}

/** Nobody answers, or in the middle of an answer no more. */
const isDeath = (error: unknown): boolean =>
  error instanceof TypeError || error instanceof SyntaxError || (error as Error).name === 'TimeoutError'
