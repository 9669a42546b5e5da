import { afterEach, expect, test } from 'vitest'
import { type Fleet, fleet } from '../support/fleet.ts'
import { until } from '../support/until.ts'

const entrypoint = new URL('../fixtures/channel/member.ts', import.meta.url)

let f: Fleet
afterEach(() => f[Symbol.asyncDispose]())

/** The turn has opened its channel: reading the journal makes what was recorded lazily durable. */
const opened = (name: string, times: number) =>
  until(`${name} to have opened a channel ${times} times`, async () => {
    const { records } = await f.agent(name).journal({ type: 'effect.completed', limit: 10 })
    return records.length === times
  })

test.each(['process', 'thread'] as const)(
  'channels in real cells, tier %s: order, a crash, and the end',
  async (isolation) => {
    const member = { entrypoint, isolation, delivery: { retryBackoff: 1 } }
    f = await fleet({ reader: member, sender: member })
    const turn = f.agent('reader').run({ read: 1_000 })
    await opened('reader', 1)
    process.kill(await until('the reader to have a cell', () => f.agent('reader').status().pid), 'SIGKILL')
    await opened('reader', 2)
    await f.agent('sender').run({ send: 1_000 })
    expect(await turn).toEqual({ heard: 1_000, first: 0, last: 999, lost: 0, attempt: 2 })
    expect(f.records.flatMap(({ type, data }) => (type === 'turn.attempt_failed' ? [data] : []))).toMatchObject([
      { error: { code: 'CHANNEL_INTERRUPTED' } },
    ])
  },
)
