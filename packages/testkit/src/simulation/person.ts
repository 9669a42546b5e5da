import type { Random } from '@vigil/protocol'
import type { World } from '../world/world.ts'
import { agentNames, oneOf } from './plan.ts'

/** Somebody who looks in now and then: says what became of doubts, cancels, and delivers dead letters again. */
export interface Person {
  /** Events whose turn was cancelled, as was confirmed. */
  readonly cancelled: readonly string[]
  /** From now on only has a word about doubts: what hangs may not be freed by a cancel. */
  rest(): void
  leave(): void
}

const longestAbsenceMs = 12_000
const answered = { status: 200, statusText: 'OK', headers: {}, body: '' }

export function employPerson(w: World, random: Random): Person {
  const cancelled: string[] = []
  let there = true
  let resting = false

  const settleDoubts = async (): Promise<void> => {
    for (const { id, kind, input } of (await w.client.doubts()).doubts) {
      const { method, url } = (input ?? {}) as { method?: string; url?: string }
      // What can be looked at outside is looked at.
      const isDone =
        kind === 'fetch'
          ? w.outside.done.some((deed) => deed.method === method && deed.url === url)
          : random.next() < 0.4
      const decision = isDone
        ? { outcome: 'done', result: kind === 'fetch' ? answered : 'a person says so' }
        : { outcome: oneOf(random, ['not_done', 'retry'] as const) }
      await w.client.resolveDoubt(id, decision)
    }
  }
  const cancel = async (): Promise<void> => {
    const name = oneOf(random, agentNames)
    const { turns } = await w.client.turns(name, { limit: 5 })
    const open = turns.filter(({ state }) => !['completed', 'dead_lettered', 'cancelled'].includes(state))
    const victim = open.length === 0 ? undefined : oneOf(random, open)
    if (victim === undefined) return
    await w.client.cancelTurn(name, victim.turn)
    cancelled.push(victim.event_id)
  }
  const letters = async (): Promise<void> => {
    const name = oneOf(random, agentNames)
    const { dead_letters } = await w.client.deadLetters(name)
    if (dead_letters.length === 0) return
    if (random.next() < 0.2) await w.client.discard(name)
    else await w.client.redeliver(name)
  }
  const look = async (): Promise<void> => {
    try {
      await settleDoubts()
      if (!resting && random.next() < 0.25) await cancel()
      if (!resting && random.next() < 0.3) await letters()
    } catch {
      // Ring 0 is down, or it has ended by itself: the next look will tell.
    }
    come()
  }
  const come = (): void => {
    if (there) w.clock.setTimer(random.next() * longestAbsenceMs, () => void look())
  }
  come()
  return {
    cancelled,
    rest() {
      resting = true
    },
    leave() {
      there = false
    },
  }
}
