import type { RecordedEffect } from '@vigil/protocol'
import { describe, expect, it } from 'vitest'
import { replayOf } from './replay.ts'

const at = (second: number): string => new Date(second * 1_000).toISOString()

const effect = (key: string, second: number): RecordedEffect => ({
  key,
  kind: 'publish',
  at: at(second),
  outcome: { ok: true, value: key },
})

/** A replay whose event loop is turned by hand; `given` is what came back so far, with the clock as it then stood. */
function turned(...recorded: RecordedEffect[]) {
  const tasks: (() => void)[] = []
  const given: [string, number][] = []
  const replay = replayOf(1_000, recorded, (task) => tasks.push(task))
  return {
    replay,
    given,
    ask: (key: string) => void replay.ask(key)?.then(() => given.push([key, replay.now()])),
    arrive: (name: string, second?: number) =>
      void replay.arrived(second === undefined ? undefined : at(second)).then(() => given.push([name, replay.now()])),
    async turn(count = 1) {
      for (let n = 0; n < count; n += 1) {
        for (const task of tasks.splice(0)) task()
        // Promises of what was given run to their end before the loop turns again.
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}

describe('replay', () => {
  it('gives outcomes in recorded order, one per loop turn, whatever order they are asked in', async () => {
    const { ask, turn, given } = turned(effect('a', 2), effect('b', 3), effect('c', 4))
    for (const key of ['c', 'b', 'a']) ask(key)
    await turn()
    expect(given).toEqual([['a', 2_000]])
    await turn(2)
    expect(given).toEqual([
      ['a', 2_000],
      ['b', 3_000],
      ['c', 4_000],
    ])
  })

  it('lets no live reply overtake what was recorded', async () => {
    const { ask, arrive, turn, given } = turned(effect('a', 2), effect('b', 3))
    arrive('live', 9)
    ask('b')
    await turn()
    ask('a')
    await turn(3)
    expect(given).toEqual([
      ['a', 2_000],
      ['b', 3_000],
      ['live', 9_000],
    ])
  })

  it('gives the earliest that is asked for when nothing has moved for three turns', async () => {
    const { replay, ask, turn, given } = turned(effect('gone', 5), effect('b', 3), effect('c', 4))
    ask('c')
    ask('b')
    await turn(2)
    replay.called()
    await turn(2)
    expect(given).toEqual([])
    await turn()
    expect(given).toEqual([['b', 3_000]])
    expect([replay.replaying, replay.unasked()]).toEqual([true, ['gone']])
  })

  it('passes what is inside an answered step, and its clock with it', async () => {
    const inner = effect('step:s#0/publish:x#0', 2)
    const { replay, ask, turn, given } = turned(
      inner,
      effect('b', 3),
      effect('step:s#0/step:t#0/sleep#0', 4),
      effect('step:s#0', 5),
    )
    ask('step:s#0')
    replay.cover('step:s#0')
    expect([replay.unasked(), replay.now()]).toEqual([['b'], 1_000])
    expect([replay.replaying, replay.now()]).toEqual([true, 2_000])
    ask('b')
    await turn(2)
    expect(given).toEqual([
      ['b', 3_000],
      ['step:s#0', 5_000],
    ])
    expect(replay.replaying).toBe(false)
  })

  it('answers at once when the record is used up, and never turns the clock back', async () => {
    const { arrive, turn, given } = turned()
    arrive('one', 8)
    await turn()
    arrive('earlier', 6)
    await turn()
    arrive('leave')
    await turn()
    expect(given).toEqual([
      ['one', 8_000],
      ['earlier', 8_000],
      ['leave', 8_000],
    ])
  })
})
