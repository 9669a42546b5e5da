import type { Random } from '@vigil/protocol'
import type { World } from '../world/world.ts'
import { agentNames, busyMs, oneOf } from './plan.ts'

const files = 3

/** People and files come in while everything breaks. Who gets no answer asks again, under the same key. */
export function employ(w: World, random: Random) {
  const acknowledged: string[] = []
  const paths: string[] = []
  let asking = 0
  let asked = 0
  let ended = false
  const ask = async (key: string): Promise<void> => {
    try {
      const event_id = await deliver(w, key)
      // Senders that were answered and do not know it send again.
      if (random.next() < 0.2 && (await deliver(w, key)) !== event_id) w.violations.push(`${key} is two events`)
      acknowledged.push(event_id)
      asking -= 1
    } catch {
      w.clock.setTimer(500 + random.next() * 3_000, () => void ask(key))
    }
  }
  const next = (): void => {
    if (ended) return
    // Two at once, so that a crash finds more than one at work.
    for (const _ of [1, 2]) {
      asking += 1
      asked += 1
      void ask(`request-${asked}`)
    }
    if (random.next() < 0.3) w.adopt(oneOf(random, agentNames))
    w.clock.setTimer(random.next() * 30_000, next)
  }
  next()
  for (let n = 0; n < files; n += 1) {
    const path = `/in/file-${n}`
    paths.push(path)
    w.clock.setTimer(random.next() * busyMs, () => w.files.put(path, n))
  }
  return {
    acknowledged,
    files: paths,
    get asking() {
      return asking
    },
    end() {
      ended = true
    },
  }
}

/** Half of them by REST, half by a webhook; the same key goes the same way. */
async function deliver(w: World, key: string): Promise<string> {
  if (Number(key.split('-')[1]) % 2 === 0)
    return (await w.client.postEvent('clerk', { key }, { idempotencyKey: key })).event_id
  const headers = { 'content-type': 'application/json', 'webhook-id': key }
  const reply = await w.fetch('/hooks/in', { method: 'POST', headers, body: JSON.stringify({ key }) })
  const { event_id } = (await reply.json()) as { event_id?: string }
  if (reply.status !== 202 || event_id === undefined) throw new Error(`the hook answered ${reply.status}`)
  return event_id
}
