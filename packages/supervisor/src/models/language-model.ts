import {
  type Clock,
  type LanguageModel,
  type ModelFailure,
  type ModelProvider,
  type Random,
  VigilError,
} from '@vigil/protocol'
import type { GatewayFailure, GatewayJob, GatewayLink } from '../gateway/gateway-link.ts'
import type { ToGateway } from '../gateway/messages.ts'
import { modelFailure, type TryFailure } from '../gateway/model-failure.ts'
import { backoff } from '../supervision/backoff.ts'
import { type Lane, lane } from './lane.ts'

export interface LanguageModelParts {
  readonly link: GatewayLink
  readonly clock: Clock
  readonly random: Random
}

const retryBackoff = { baseMs: 500, maxMs: 30_000 }

/**
 * Models over the gateway thread, which makes single tries: how many are under way, when one is tried again and when it is given up is
 * decided here, where it survives the thread. A call under which the thread dies is not repeated, because it may have been paid for.
 */
export function languageModel({ link, clock, random }: LanguageModelParts): LanguageModel {
  const lanes = new Map<string, Lane>()
  const laneOf = ({ name, concurrency, rate }: ModelProvider): Lane =>
    lanes.getOrInsertComputed(name, () => lane({ clock, concurrency, rate }))

  const pause = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        timer.cancel()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = clock.setTimer(ms, end)
      signal.addEventListener('abort', end, { once: true })
    })

  /** How long to wait before the next try; undefined: there is none. */
  const waitMs = (
    provider: ModelProvider,
    failure: TryFailure | undefined,
    { tries, leftMs }: { readonly tries: number; readonly leftMs: number },
  ): number | undefined => {
    if (failure?.again !== true || tries > provider.retries) return undefined
    const asked = failure.afterMs
    // All who were told the same would come back in the same moment.
    const ms = asked === undefined ? backoff(retryBackoff, tries - 1, random.next()) : asked * (1 + random.next() / 10)
    return ms < leftMs ? ms : undefined
  }

  async function call<T>(
    { provider }: { readonly provider: ModelProvider },
    signal: AbortSignal,
    attempt: (leftMs: number) => Promise<T>,
  ): Promise<T> {
    const way = laneOf(provider)
    const late = (reason: string): VigilError => ended(modelFailure(provider, 'MODEL_TIMEOUT', reason), 0)
    const leave = await way.enter({ signal, withinMs: provider.timeoutMs, late })
    try {
      const deadline = clock.monotonic() + provider.timeoutMs
      for (let tries = 1; ; tries += 1) {
        try {
          return await attempt(Math.max(1, deadline - clock.monotonic()))
        } catch (error) {
          const failure = (error as VigilError).details as TryFailure | undefined
          const ms = waitMs(provider, failure, { tries, leftMs: deadline - clock.monotonic() })
          if (ms === undefined || signal.aborted) throw ended(error as VigilError, tries)
          if (failure?.status === 429) way.hold(ms)
          await pause(Math.max(ms, way.heldMs), signal)
          if (signal.aborted || clock.monotonic() >= deadline) throw ended(error as VigilError, tries)
          way.again()
        }
      }
    } finally {
      leave()
    }
  }

  const job = (
    provider: ModelProvider,
    leftMs: number,
    message: (id: number, leftMs: number) => ToGateway,
  ): GatewayJob => ({
    message: (id, left) => ({ message: message(id, left) }),
    timeoutMs: leftMs,
    repeatable: false,
    failure: (why) => deathOf(provider, why),
  })

  return {
    generate: (asked, signal) =>
      call(asked, signal, async (leftMs) => {
        const message = (id: number, left: number): ToGateway => ({ kind: 'generate', id, call: asked, leftMs: left })
        const answer = await link.ask(job(asked.provider, leftMs, message), signal)
        if (answer.kind !== 'said') throw new Error(`expected what a model says, found ${answer.kind}`)
        return answer.reply
      }),
    embed: (asked, signal) =>
      call(asked, signal, async (leftMs) => {
        const message = (id: number, left: number): ToGateway => ({ kind: 'embed', id, call: asked, leftMs: left })
        const answer = await link.ask(job(asked.provider, leftMs, message), signal)
        if (answer.kind !== 'embedded') throw new Error(`expected vectors, found ${answer.kind}`)
        return answer.reply
      }),
  }
}

function ended(error: VigilError, sent: number): VigilError {
  const { status, answered, unknown } = (error.details ?? {}) as ModelFailure
  const details: ModelFailure = {
    ...(status === undefined ? {} : { status }),
    sent,
    ...(answered === undefined ? {} : { answered }),
    ...(unknown === undefined ? {} : { unknown }),
  }
  return new VigilError(error.code, error.message, { details })
}

const words: Readonly<Record<GatewayFailure, string>> = {
  closed: 'the supervisor is shutting down',
  given_up: 'the caller gave up',
  crowded: 'too many requests are under way',
  late: 'no whole answer in time',
  died: 'the gateway thread died under it, and what came of it is not known',
  died_twice: 'the gateway thread died twice under it',
}

function deathOf(provider: ModelProvider, why: GatewayFailure): VigilError {
  const never = why === 'closed' || why === 'crowded'
  const { code, message } = modelFailure(provider, why === 'late' ? 'MODEL_TIMEOUT' : 'MODEL_UNAVAILABLE', words[why])
  return new VigilError(code, message, {
    details: { sent: never ? 0 : 1, ...(never ? {} : { unknown: true }), again: false },
  })
}
