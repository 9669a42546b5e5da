import { type CoreMessage, type GuestMessage, limits } from '@vigil/protocol'
import { describe, expect, it } from 'vitest'
import { busChannels, type Channels } from './channels.ts'
import { lifeChannels } from './life-channels.ts'

const upTo = (count: number): string[] => Array.from({ length: count }, (_, n) => `${n}`)

/** A life, and what is said to it. */
function life(channels: Channels) {
  const said: CoreMessage[] = []
  const floods: string[] = []
  const own = lifeChannels({
    channels,
    say: (message) => said.push(message),
    flooded: (message) => floods.push(message),
  })
  const batches = () => said.flatMap((message) => (message.t === 'channel.items' ? [message] : []))
  return {
    ...own,
    floods,
    open(name: string, channel = 0, turn = 't') {
      const outcome = own.open(turn, { channel, name })
      return outcome.ok ? undefined : outcome.error
    },
    send: (items: string[]) => own.hear({ t: 'channel.send', turn: 't', channel: 0, items }),
    grant: (items: number) => own.hear({ t: 'channel.grant', turn: 't', channel: 0, items }),
    shut: (channel = 0) => own.hear({ t: 'channel.close', turn: 't', channel } satisfies GuestMessage),
    get heard() {
      return batches().flatMap(({ items }) => items)
    },
    get lost() {
      return batches().reduce((sum, { lost }) => sum + lost, 0)
    },
    get taken() {
      return said.filter(({ t }) => t === 'channel.taken').length
    },
  }
}

function pair() {
  const channels = busChannels()
  const [from, to] = [life(channels), life(channels)]
  for (const each of [from, to]) expect(each.open('prices')).toBeUndefined()
  return { channels, from, to }
}

describe('the channels of a life', () => {
  it('reach everyone else who has the name open, and are taken at once', () => {
    const { channels, from, to } = pair()
    const other = life(channels)
    other.open('others')
    from.send(['1', '2'])
    expect([from.heard, to.heard, other.heard, from.taken]).toEqual([[], ['1', '2'], [], 1])
  })

  it('give a reader no more than it has room for, keep the newest for it and count the rest', () => {
    const { from, to } = pair()
    for (let n = 0; n < 10; n += 1) from.send(upTo(2_560).slice(n * 256, n * 256 + 256))
    expect(to.heard).toEqual(upTo(1_024))
    for (let n = 0; n < 20; n += 1) to.grant(128)
    expect(to.lost).toBe(2_560 - 2 * limits.channelWaiting)
    expect(to.heard).toEqual([...upTo(1_024), ...upTo(2_560).slice(-limits.channelWaiting)])
  })

  it('count bytes as well as items', () => {
    const { from, to } = pair()
    const large = '"'.padEnd(60_000, 'é').slice(0, 29_999)
    for (let n = 0; n < 60; n += 1) from.send([large])
    expect(to.heard).toHaveLength(17)
    to.grant(17)
    expect([to.heard.length, to.lost]).toEqual([17 + 16, 60 - 17 - 16])
  })

  it('grant nothing that was not given', () => {
    const { from, to } = pair()
    to.grant(1_000_000)
    for (let n = 0; n < 5; n += 1) from.send(upTo(256))
    expect(to.heard).toHaveLength(limits.channelWaiting)
  })

  it('are forgotten at the close, and at the end of the turn', () => {
    const { channels, from, to } = pair()
    to.shut()
    from.send(['1'])
    expect(to.open('prices', 1)).toBeUndefined()
    from.send(['2'])
    to.close('t')
    from.send(['3'])
    expect(to.heard).toEqual(['2'])
    from.close('t')
    const rest = Array.from({ length: limits.channelMembers }, () => life(channels).open('prices'))
    expect(rest.filter((refusal) => refusal !== undefined)).toEqual([])
    expect(life(channels).open('prices')).toMatchObject({ code: 'TOO_LARGE' })
  })

  it('are so many in a turn, and each has its own number and a name without stars', () => {
    const { from } = pair()
    for (let n = 1; n < limits.channelsOfTurn; n += 1) expect(from.open('prices', n)).toBeUndefined()
    expect(from.open('prices', 99)).toMatchObject({ code: 'TOO_LARGE' })
    from.shut(3)
    expect(from.open('prices', 0)).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(from.open('prices.*', 3)).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('stand still while the life is held, in both directions', () => {
    const { from, to } = pair()
    to.hold(true)
    from.send(['1'])
    from.hold(true)
    from.send(['2'])
    expect([to.heard, from.taken]).toEqual([[], 1])
    to.hold(false)
    expect(to.heard).toEqual(['1'])
    from.hold(false)
    expect([to.heard, from.taken]).toEqual([['1', '2'], 2])
  })

  it('end a guest that does not wait until it is taken', () => {
    const { from } = pair()
    from.hold(true)
    for (let n = 0; n < limits.channelWaiting; n += 1) from.send(['1'])
    expect(from.floods).toEqual([])
    from.send(['1'])
    expect(from.floods).toHaveLength(1)
  })
})
