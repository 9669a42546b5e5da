import {
  type Clock,
  errorCode,
  type ServerConnection,
  type ServerListener,
  type ServerTool,
  type ServerToolResult,
  type Timer,
  VigilError,
} from '@vigil/protocol'
import { backoff } from '../supervision/backoff.ts'

/** How it is with a server: `idle` before it is needed and when it was let go, `failed` when the last try came to nothing. */
export type ServerState = 'idle' | 'connecting' | 'ready' | 'failed'

/** The one connection of a process to one of its servers, made when it is needed and made anew when it is gone. */
export interface ServerLine {
  readonly state: ServerState
  /** What became of the last connection, if not what was wanted. */
  readonly error: string | undefined
  /** Resolves when it is connected and its tools are known. @throws SERVER_UNAVAILABLE */
  ready(): Promise<void>
  /** @throws SERVER_UNAVAILABLE, SERVER_FAILED, TOO_LARGE, and the reason of `signal` */
  call(tool: string, input: unknown, signal: AbortSignal): Promise<ServerToolResult>
  /** Lets calls that are under way come to their end, unless it is `now`. Nothing is left when it resolves. */
  close(how: 'when_done' | 'now'): Promise<void>
}

export interface ServerLineParts {
  readonly name: string
  readonly clock: Clock
  connect(listener: ServerListener): Promise<ServerConnection>
  /** Its tools, before anybody is told that it is ready. */
  readonly listed: (tools: readonly ServerTool[]) => void
  readonly output: (text: string) => void
  /** It could not be reached, or it is gone. */
  readonly lost: (reason: string) => void
}

/** A program may have to be downloaded before it starts. */
const connectMs = 60_000
const idleMs = 10 * 60_000
/** Who dies sooner is not well: it is waited longer and longer before it is tried again. */
const stableMs = 10_000
const waits = { baseMs: 1_000, maxMs: 60_000 }

interface Life {
  readonly connected: PromiseWithResolvers<void>
  readonly gone: PromiseWithResolvers<void>
  connection: ServerConnection | undefined
  readySince: number | undefined
  calls: number
  /** Of the connection that is being made, then of one that nobody uses. */
  timer: Timer | undefined
  /** Its end is meant. */
  isLeft: boolean
  over: boolean
}

export function serverLine({ name, clock, connect, listed, output, lost }: ServerLineParts): ServerLine {
  let life: Life | undefined
  let deaths = 0
  let failed: { readonly reason: string; readonly untilMs: number } | undefined
  const leaving = new Set<Promise<void>>()

  const unavailable = (reason: string): VigilError =>
    new VigilError('SERVER_UNAVAILABLE', `the server "${name}" cannot be reached: ${reason}`)

  const end = (mine: Life, reason: string, isFault: boolean): void => {
    if (mine.over) return
    mine.over = true
    mine.timer?.cancel()
    if (life === mine) life = undefined
    mine.connected.reject(unavailable(reason))
    if (!isFault) return
    const livedMs = mine.readySince === undefined ? 0 : clock.monotonic() - mine.readySince
    deaths = livedMs >= stableMs ? 0 : deaths + 1
    // One that was there is tried again at once: that may have been an accident.
    const counted = mine.readySince === undefined ? deaths : deaths - 1
    const waitMs = counted > 0 ? backoff(waits, counted - 1, 0) : 0
    failed = { reason, untilMs: clock.monotonic() + waitMs }
    lost(reason)
  }

  const letGo = (mine: Life): Promise<void> => {
    if (life === mine) life = undefined
    mine.isLeft = true
    const left = (mine.connection?.close() ?? Promise.resolve()).then(() => mine.gone.promise)
    leaving.add(left)
    void left.finally(() => leaving.delete(left))
    return left
  }

  const rest = (mine: Life): void => {
    mine.timer?.cancel()
    if (mine.over || mine.calls > 0) return
    if (life === mine) mine.timer = clock.setTimer(idleMs, () => void letGo(mine))
    else void letGo(mine)
  }

  const begin = (): Life => {
    const mine: Life = {
      connected: Promise.withResolvers<void>(),
      gone: Promise.withResolvers<void>(),
      connection: undefined,
      readySince: undefined,
      calls: 0,
      timer: undefined,
      isLeft: false,
      over: false,
    }
    life = mine
    // Nobody may wait for it by the time that it fails.
    mine.connected.promise.catch(() => undefined)
    mine.timer = clock.setTimer(connectMs, () => {
      end(mine, `it was not ready within ${connectMs / 1_000} s`, true)
      void letGo(mine)
    })
    const listener: ServerListener = {
      ready(tools) {
        if (mine.over) return
        listed(tools)
        if (mine.readySince !== undefined) return
        mine.readySince = clock.monotonic()
        failed = undefined
        mine.connected.resolve()
        rest(mine)
      },
      output,
      ended(reason) {
        end(mine, reason, !mine.isLeft)
        mine.gone.resolve()
      },
    }
    connect(listener).then(
      (connection) => {
        mine.connection = connection
        if (life !== mine) void letGo(mine)
      },
      (error: Error) => {
        end(mine, error.message, true)
        mine.gone.resolve()
      },
    )
    return mine
  }

  const up = async (): Promise<Life> => {
    const leftMs = life === undefined && failed !== undefined ? failed.untilMs - clock.monotonic() : 0
    if (leftMs > 0) throw unavailable(`${failed?.reason}; it is tried again in ${Math.ceil(leftMs / 1_000)} s`)
    const mine = life ?? begin()
    await mine.connected.promise
    return mine
  }

  const upBefore = (signal: AbortSignal): Promise<Life> => {
    const late = Promise.withResolvers<never>()
    const giveUp = (): void => late.reject(unavailable('it was not ready in the time of the call'))
    signal.addEventListener('abort', giveUp, { once: true })
    if (signal.aborted) giveUp()
    return Promise.race([up(), late.promise]).finally(() => signal.removeEventListener('abort', giveUp))
  }

  const made = async (mine: Life, tool: string, input: unknown, signal: AbortSignal): Promise<ServerToolResult> => {
    mine.timer?.cancel()
    mine.calls += 1
    try {
      if (mine.over || mine.connection === undefined) throw unavailable('it is gone')
      return await mine.connection.call(tool, input, signal)
    } finally {
      mine.calls -= 1
      rest(mine)
    }
  }

  return {
    get state() {
      if (life !== undefined) return life.readySince === undefined ? 'connecting' : 'ready'
      return failed === undefined ? 'idle' : 'failed'
    },
    get error() {
      return failed?.reason
    },
    async ready() {
      await up()
    },
    async call(tool, input, signal) {
      const before = life
      const mine = await upBefore(signal)
      try {
        return await made(mine, tool, input, signal)
      } catch (error) {
        // It has surely not been done, and the connection was an old one: the server may have forgotten it.
        if (errorCode(error) !== 'SERVER_UNAVAILABLE' || before !== mine || signal.aborted) throw error
      }
      if (life === mine) void letGo(mine)
      return await made(await upBefore(signal), tool, input, signal)
    },
    async close(how) {
      const mine = life
      if (mine !== undefined) {
        life = undefined
        mine.timer?.cancel()
        if (how === 'now' || mine.calls === 0) {
          end(mine, 'it is not wanted any more', false)
          void letGo(mine)
        }
      }
      await Promise.all(leaving)
    },
  }
}
