import type { Random } from '@vigil/protocol'
import type { Daemon } from '../daemon.ts'
import type { EffectsLedger } from '../effects-ledger/ledger.ts'
import type { Asked } from './asked.ts'

interface Knowledge {
  readonly asked: readonly Asked[]
  readonly ledger: EffectsLedger
  readonly random: Random
}

/** Looks outside before a word about a doubt, and pardons what is dead before it is delivered again. */
export async function setThingsRight(daemon: Daemon, knowledge: Knowledge): Promise<void> {
  const { body } = await daemon.call('GET', '/doubts')
  for (const { id, event_id } of (body['doubts'] ?? []) as { id: string; event_id: string }[]) {
    const about = knowledge.asked.find(({ eventId }) => eventId === event_id)
    // Its client has not heard yet that it was taken, and will.
    if (about !== undefined) await daemon.call('POST', `/doubts/${id}`, await wordOn(about, knowledge))
  }
  const letters = await daemon.call('GET', '/processes/desk/dead-letters')
  const dead = (letters.body['dead_letters'] ?? []) as { payload: { name: string } }[]
  if (dead.length === 0) return
  const pardoned = dead.map(({ payload }) => payload.name)
  await daemon.call('PATCH', '/processes/desk/context', { state: { pardoned } })
  await daemon.call('POST', '/processes/desk/dead-letters/redeliver', {})
}

async function wordOn({ agent, name }: Asked, { ledger, random }: Knowledge): Promise<unknown> {
  const entries = await ledger.entries()
  if (entries.some(({ body }) => body.agent === agent && body.event === name))
    return { outcome: 'done', result: { status: 200, statusText: 'OK', headers: {}, body: '' } }
  return { outcome: random.next() < 0.5 ? 'retry' : 'not_done' }
}
