import type { GuestMessage } from '@vigil/protocol'
import { describe, expect, it } from 'vitest'
import { turnChannels } from './channel.ts'

type Posted = Extract<GuestMessage, { t: `channel.${string}` }>

/** A turn's channels, with core played by the test; `turnLoop` lets the event loop turn. */
function turn({ opens = true } = {}) {
  const posted: Posted[] = []
  const planned: (() => void)[] = []
  const opening: PromiseWithResolvers<unknown>[] = []
  const ending = new AbortController()
  const channels = turnChannels({
    turn: 't1',
    signal: ending.signal,
    open() {
      const open = Promise.withResolvers<unknown>()
      opening.push(open)
      if (opens) open.resolve(null)
      return open.promise
    },
    post: (message) => posted.push(message),
    nextTurn: (act) => planned.push(act),
  })
  return {
    channels,
    posted,
    opening,
    ending,
    get sent() {
      return posted.flatMap((message) => (message.t === 'channel.send' ? [message] : []))
    },
    async turnLoop() {
      await new Promise(setImmediate)
      for (const act of planned.splice(0)) act()
    },
    taken: (channel = 0) => channels.hear({ t: 'channel.taken', turn: 't1', channel }),
    items: (items: unknown[], { lost = 0, channel = 0 } = {}) =>
      channels.hear({
        t: 'channel.items',
        turn: 't1',
        channel,
        items: items.map((item) => JSON.stringify(item)),
        lost,
      }),
  }
}

const caught = async (work: () => unknown): Promise<string | undefined> => {
  try {
    await work()
  } catch (error) {
    return (error as { code?: string }).code
  }
  return undefined
}

describe('what is sent', () => {
  it('goes out when the loop has turned, in few messages', async () => {
    const t = turn()
    const prices = t.channels.channel('prices')
    await t.turnLoop()
    for (let n = 0; n < 600; n += 1) prices.send({ n })
    await new Promise(setImmediate)
    expect(t.posted).toEqual([])
    await t.turnLoop()
    expect(t.sent.map(({ items }) => items.length)).toEqual([256])
    t.taken()
    t.taken()
    expect(t.sent.map(({ items }) => items.length)).toEqual([256, 256, 88])
    expect(t.sent.flatMap(({ items }) => items)).toEqual(Array.from({ length: 600 }, (_, n) => `{"n":${n}}`))
  })

  it('is parted by size too', async () => {
    const t = turn()
    const large = 'x'.repeat(60_000)
    for (let n = 0; n < 6; n += 1) t.channels.channel('prices').send(large)
    await t.turnLoop()
    t.taken()
    expect(t.sent.map(({ items }) => items.length)).toEqual([4, 2])
  })

  it('waits until core listens, and until it has taken what came before', async () => {
    const t = turn({ opens: false })
    const prices = t.channels.channel('prices')
    expect(Array.from({ length: 1_030 }, (_, n) => prices.send(n)).filter((isSent) => !isSent)).toHaveLength(6)
    await t.turnLoop()
    expect(t.posted).toEqual([])
    t.opening[0]?.resolve(null)
    await t.turnLoop()
    expect(t.sent.map(({ items }) => items.length)).toEqual([256])
    expect(prices.send('full')).toBe(false)
    t.taken()
    expect(prices.send('again')).toBe(true)
    for (let n = 0; n < 4; n += 1) t.taken()
    expect(t.sent.map(({ items }) => items.length)).toEqual([256, 256, 256, 256, 1])
  })

  it('goes out before the close and before the end of the turn', async () => {
    const t = turn({ opens: false })
    const prices = t.channels.channel('prices')
    prices.send(1)
    prices.close()
    t.opening[0]?.resolve(null)
    await t.channels.opened()
    t.channels.channel('other').send(2)
    t.opening[1]?.resolve(null)
    await t.channels.opened()
    t.channels.end()
    expect(t.posted).toMatchObject([
      { t: 'channel.send', channel: 0, items: ['1'] },
      { t: 'channel.close', channel: 0 },
      { t: 'channel.send', channel: 1, items: ['2'] },
    ])
  })

  it.each([
    ['too much', 'x'.repeat(64_000), 'TOO_LARGE'],
    ['no JSON', new Map(), 'INVALID_ARGUMENT'],
  ])('may not be %s', async (_what, item, code) => {
    expect(await caught(() => turn().channels.channel('prices').send(item))).toBe(code)
  })
})

describe('what is read', () => {
  it('comes in order, to whoever asked first, and by iteration', async () => {
    const t = turn()
    const prices = t.channels.channel<number>('prices')
    const early = [prices.receive(), prices.receive()]
    t.items([1, 2, 3])
    expect(await Promise.all(early)).toEqual([1, 2])
    t.items([4], { lost: 7 })
    const seen: number[] = []
    for await (const item of prices) {
      seen.push(item)
      if (item === 4) prices.close()
    }
    expect([seen, prices.lost]).toEqual([[3, 4], 7])
  })

  it('is granted anew when half of it is read', async () => {
    const t = turn()
    const prices = t.channels.channel('prices')
    t.items(Array.from({ length: 256 }, (_, n) => n))
    for (let n = 0; n < 255; n += 1) await prices.receive()
    expect(t.posted).toEqual([{ t: 'channel.grant', turn: 't1', channel: 0, items: 128 }])
    await prices.receive()
    expect(t.posted).toHaveLength(2)
  })

  it('is granted anew before core waits for large items to be read', async () => {
    const t = turn()
    const prices = t.channels.channel('prices')
    t.items(Array.from({ length: 16 }, () => 'x'.repeat(60_000)))
    for (let n = 0; n < 16; n += 1) await prices.receive()
    expect(t.posted).toMatchObject([5, 5, 5].map((items) => ({ t: 'channel.grant', items })))
  })

  it('is counted as lost when it is no JSON', async () => {
    const t = turn()
    const prices = t.channels.channel('prices')
    t.channels.hear({ t: 'channel.items', turn: 't1', channel: 0, items: ['{', '1'], lost: 0 })
    expect([await prices.receive(), prices.lost]).toEqual([1, 1])
  })
})

describe('a channel', () => {
  it('is one by its name while it is open, and another afterwards', () => {
    const { channels } = turn()
    const first = channels.channel('prices')
    expect(channels.channel('prices')).toBe(first)
    first.close()
    expect(channels.channel('prices')).not.toBe(first)
  })

  it('of which a turn may have sixteen', async () => {
    const { channels } = turn()
    for (let n = 0; n < 16; n += 1) channels.channel(`n${n}`)
    expect(await caught(() => channels.channel('n16'))).toBe('TOO_LARGE')
    channels.channel('n3').close()
    expect(await caught(() => channels.channel('n16'))).toBeUndefined()
  })

  it.each(['', 'a..b', 'a.*', '**', 'a'.repeat(257), 7])('has a name like a topic, not %j', async (name) => {
    expect(await caught(() => turn().channels.channel(name as string))).toBe('INVALID_ARGUMENT')
  })

  it('that is closed refuses, and what had come is gone', async () => {
    const t = turn()
    const prices = t.channels.channel('prices')
    const waiting = caught(() => prices.receive())
    prices.close()
    t.items([1])
    expect([await waiting, await caught(() => prices.receive()), await caught(() => prices.send(1))]).toEqual(
      Array.from({ length: 3 }, () => 'INVALID_STATE'),
    )
  })

  it('that core refuses, or whose turn is over, rejects', async () => {
    const t = turn({ opens: false })
    const [refused, over] = [t.channels.channel('prices'), t.channels.channel('other')]
    const waiting = [caught(() => refused.receive()), caught(() => over.receive())]
    t.opening[0]?.reject(Object.assign(new Error('full'), { code: 'TOO_LARGE' }))
    await t.turnLoop()
    t.ending.abort(Object.assign(new Error('over'), { code: 'ABORTED' }))
    expect(await Promise.all(waiting)).toEqual(['TOO_LARGE', 'ABORTED'])
    expect(await caught(() => over.send(1))).toBe('ABORTED')
  })
})
