import { AsyncLocalStorage } from 'node:async_hooks'
import { format, inspect } from 'node:util'
import type { GuestMessage } from '@vigil/protocol'
import type { AgentContext } from '../context.ts'
import { codedError } from './coded-error.ts'

type Level = Extract<GuestMessage, { t: 'log' }>['level']

/**
 * Makes plain code governed code: `fetch` is the fetch of the turn that calls it and `console` its log, so an SDK that
 * knows nothing of Vigil is journaled all the same.
 */
export interface TurnScope {
  run<T>(context: AgentContext, work: () => T): T
}

export function installGlobals(logWithoutTurn: (level: Level, message: string) => void): TurnScope {
  const turns = new AsyncLocalStorage<AgentContext>()

  globalThis.fetch = ((url: string | URL | Request, init?: RequestInit) => {
    const context = turns.getStore()
    if (context === undefined)
      return Promise.reject(
        codedError({ code: 'INVALID_STATE', message: 'fetch was called outside of a turn; call it from run()' }),
      )
    return context.fetch(url, init)
  }) as typeof fetch

  const print =
    (level: Level) =>
    (...values: unknown[]): void => {
      const text = format(...values)
      const context = turns.getStore()
      if (context === undefined) logWithoutTurn(level, text)
      else context.log[level](text)
    }
  const levels: Record<string, Level> = {
    log: 'info',
    info: 'info',
    debug: 'debug',
    trace: 'debug',
    warn: 'warn',
    error: 'error',
  }
  for (const [name, level] of Object.entries(levels))
    (console as unknown as Record<string, unknown>)[name] = print(level)

  // The one method that neither takes part in the format nor goes through another.
  console.dir = (value, options) => print('info')(inspect(value, { customInspect: false, ...options }))

  return { run: (context, work) => turns.run(context, work) }
}
