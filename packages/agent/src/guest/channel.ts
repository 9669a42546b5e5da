import type { CoreMessage, GuestMessage } from '@vigil/protocol'
import type { Channel } from '../context.ts'
import { type CodedError, codedError } from './coded-error.ts'
import { jsonText } from './json.ts'
import { outbox } from './outbox.ts'

type Incoming = Extract<CoreMessage, { t: `channel.${string}` }>

/** The channels of one turn. */
export interface TurnChannels {
  /** The same name is the same channel while it is open. */
  channel<Item>(name: string): Channel<Item>
  hear(message: Incoming): void
  /** What was sent before core listened can go out. Rejects when it cannot. */
  opened(): Promise<unknown>
  /** run() has ended: what was sent goes out, and who still waits waits for ever. */
  end(): void
}

export interface ChannelParts {
  readonly turn: string
  /** Aborts when core has given the attempt up. */
  readonly signal: AbortSignal
  /** Resolves when core listens. */
  readonly open: (name: string, channel: number) => Promise<unknown>
  readonly post: (message: Extract<GuestMessage, { t: `channel.${string}` }>) => void
  readonly nextTurn: (act: () => void) => void
}

interface Own<Item = unknown> extends Channel<Item> {
  hear(message: Incoming): void
  flush(): void
  fail(error: CodedError): void
}

/** Core takes no more from one turn. */
const mostOpen = 16
/** Core gives 1,024 items or 1 MB at a time; when so many characters or items are read, it is told. */
const grantAfter = { items: 128, chars: 256_000 }
const longestName = 256

export function turnChannels(parts: ChannelParts): TurnChannels {
  const { signal } = parts
  const live = new Map<number, Own>()
  const opening = new Set<Promise<unknown>>()
  let count = 0

  const open: ChannelParts['open'] = (name, channel) => {
    const opened = parts.open(name, channel)
    const settled = (): void => void opening.delete(opened)
    opening.add(opened)
    opened.then(settled, settled)
    return opened
  }

  signal.addEventListener(
    'abort',
    () => {
      for (const each of live.values()) each.fail(signal.reason as CodedError)
    },
    { once: true },
  )

  return {
    channel<Item>(name: string) {
      checkName(name)
      const known = live.values().find((each) => each.name === name)
      if (known !== undefined) return known as Own<Item>
      if (live.size >= mostOpen)
        throw codedError({ code: 'TOO_LARGE', message: `a turn may have ${mostOpen} channels open; close one` })
      const channel = count
      count += 1
      const made = turnChannel({ ...parts, open }, { name, channel, gone: () => live.delete(channel) })
      live.set(channel, made)
      return made as Own<Item>
    },
    hear: (message) => live.get(message.channel)?.hear(message),
    opened: () => Promise.all(opening),
    end() {
      for (const each of live.values()) each.flush()
    },
  }
}

function turnChannel(
  { turn, open, post, nextTurn }: ChannelParts,
  { name, channel, gone }: { readonly name: string; readonly channel: number; readonly gone: () => void },
): Own {
  const arrived: string[] = []
  const waiting: { give(item: unknown): void; closed(): void; fail(error: CodedError): void }[] = []
  const box = outbox((items) => post({ t: 'channel.send', turn, channel, items }), nextTurn)
  let isOpen = true
  let failure: CodedError | undefined
  const read = { items: 0, chars: 0 }
  let lost = 0

  /** The next item that can be read. */
  const next = (): { item: unknown } | undefined => {
    for (let text = arrived.shift(); text !== undefined; text = arrived.shift()) {
      read.items += 1
      read.chars += text.length
      if (read.items >= grantAfter.items || read.chars >= grantAfter.chars) {
        post({ t: 'channel.grant', turn, channel, items: read.items })
        read.items = read.chars = 0
      }
      try {
        return { item: JSON.parse(text) }
      } catch {
        // Only a guest that speaks past its own `send` can send what is no JSON.
        lost += 1
      }
    }
    return undefined
  }

  const serve = (): void => {
    while (waiting.length > 0) {
      const found = next()
      if (found === undefined) return
      waiting.shift()?.give(found.item)
    }
  }

  const fail = (error: CodedError): void => {
    failure ??= error
    isOpen = false
    gone()
    for (const each of waiting.splice(0)) each.fail(failure)
  }

  const take = <T>(give: (item: unknown) => T, closed: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(failure)
      if (!isOpen) return settle(resolve, reject, closed)
      waiting.push({
        give: (item) => resolve(give(item)),
        closed: () => settle(resolve, reject, closed),
        fail: reject,
      })
      serve()
    })

  open(name, channel).then(box.open, fail)

  return {
    name,
    get lost() {
      return lost
    },
    send(item) {
      if (failure !== undefined) throw failure
      if (!isOpen) throw closedError(name)
      return box.add(jsonText(item, 'what is sent over a channel'))
    },
    receive: () =>
      take(
        (item) => item,
        () => {
          throw closedError(name)
        },
      ),
    [Symbol.asyncIterator]: () => ({
      next: () =>
        take<IteratorResult<unknown>>(
          (value) => ({ value, done: false }),
          () => ({ value: undefined, done: true }),
        ),
    }),
    close() {
      if (!isOpen) return
      isOpen = false
      gone()
      arrived.length = 0
      for (const each of waiting.splice(0)) each.closed()
      box.close(() => post({ t: 'channel.close', turn, channel }))
    },
    hear(message) {
      if (message.t === 'channel.taken') return box.taken()
      if (!isOpen || message.t !== 'channel.items') return
      lost += message.lost
      arrived.push(...message.items)
      serve()
    },
    flush: box.flush,
    fail,
  }
}

function settle<T>(resolve: (value: T) => void, reject: (error: unknown) => void, make: () => T): void {
  try {
    resolve(make())
  } catch (error) {
    reject(error)
  }
}

const closedError = (name: string): CodedError =>
  codedError({ code: 'INVALID_STATE', message: `the channel "${name}" is closed`, help: 'Open it again by its name.' })

function checkName(name: unknown): void {
  const isName = typeof name === 'string' && name.length <= longestName && /^[^.*]+(\.[^.*]+)*$/.test(name)
  if (isName) return
  const message = `expected the name of a channel to be segments parted by single dots, without stars, found ${JSON.stringify(name)}`
  throw codedError({ code: 'INVALID_ARGUMENT', message })
}
