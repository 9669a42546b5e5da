import { type ModelCall, type ModelProvider, VigilError } from '@vigil/protocol'
import { seededRandom, virtualClock } from '@vigil/testkit'
import { expect, test } from 'vitest'
import type { GatewayFailure, GatewayLink } from '../../packages/supervisor/src/gateway/gateway-link.ts'
import type { TryFailure } from '../../packages/supervisor/src/gateway/model-failure.ts'
import { languageModel } from '../../packages/supervisor/src/models/language-model.ts'

type Try =
  | 'said'
  | GatewayFailure
  | (Omit<TryFailure, 'sent'> & { readonly code: 'MODEL_RATE_LIMITED' | 'MODEL_UNAVAILABLE' })

/** A gateway that does with each try what the list says, and knows when it came. */
function opened(tries: readonly Try[]) {
  const clock = virtualClock()
  const begun: number[] = []
  const link: Pick<GatewayLink, 'ask'> = {
    async ask(job) {
      const next = tries[begun.length] ?? 'said'
      begun.push(clock.monotonic())
      if (next === 'said') return { kind: 'said', id: 1, reply: reply() }
      if (typeof next === 'string') throw job.failure(next)
      const { code, ...details } = next
      throw new VigilError(code, 'no', { details: { sent: 1, ...details } })
    },
  }
  const models = languageModel({ link: link as GatewayLink, clock, random: seededRandom(1) })
  const start = clock.monotonic()
  return { clock, models, begun: () => begun.map((at) => at - start) }
}
const reply = () => ({ text: 'ok', calls: [], finish: 'stop' as const, usage: { input: 1, output: 1 }, model: 'm' })

const provider: ModelProvider = {
  ...{ name: 'p', baseUrl: 'http://p/v1', headers: {}, outputField: 'max_tokens' },
  ...{ timeoutMs: 60_000, idleMs: 60_000, retries: 3, concurrency: 4 },
}
const call = (rest: Partial<ModelProvider> = {}): ModelCall => ({
  provider: { ...provider, ...rest },
  model: 'm',
  messages: [{ role: 'user', text: 'hello' }],
  max_output_tokens: 10,
})
const unheard = new AbortController().signal
const failureOf = (made: Promise<unknown>) =>
  made.then(
    () => undefined,
    (error: VigilError) => error,
  )

test('a wait that the provider asks for is kept, and all its calls keep it', async () => {
  const { clock, models, begun } = opened([{ code: 'MODEL_RATE_LIMITED', again: true, status: 429, afterMs: 5_000 }])
  const first = models.generate(call(), unheard)
  await clock.advance(1)
  const second = models.generate(call(), unheard)
  await clock.advance(4_998)
  expect(begun()).toEqual([0])
  await clock.advance(1_000)
  expect((await Promise.all([first, second])).map(({ text }) => text)).toEqual(['ok', 'ok'])
  expect(
    begun()
      .slice(1)
      .every((at) => at >= 5_000 && at <= 5_500),
  ).toBe(true)
})

test('without such a word the waits grow, and it is given up after so many tries', async () => {
  const broken = { code: 'MODEL_UNAVAILABLE', again: true, status: 503 } as const
  const { clock, models, begun } = opened(Array.from({ length: 9 }, () => broken))
  const failed = failureOf(models.generate(call(), unheard))
  await clock.advance(60_000)
  expect(await failed).toMatchObject({ code: 'MODEL_UNAVAILABLE', details: { status: 503, sent: 4 } })
  const [, ...waits] = begun().map((at, nth, all) => at - (all[nth - 1] ?? 0))
  expect(waits.map((ms) => [500, 1_000, 2_000].find((most) => ms <= most && ms >= most * 0.75))).toEqual([
    500, 1_000, 2_000,
  ])
})

test('a wait beyond the time of the call is not begun', async () => {
  const { models, begun } = opened([{ code: 'MODEL_RATE_LIMITED', again: true, status: 429, afterMs: 90_000 }])
  expect(await failureOf(models.generate(call(), unheard))).toMatchObject({ code: 'MODEL_RATE_LIMITED' })
  expect(begun()).toEqual([0])
})

test('what may have been paid for is not tried again', async () => {
  const { models, begun } = opened([{ code: 'MODEL_UNAVAILABLE', again: false, answered: 7 }])
  expect(await failureOf(models.generate(call(), unheard))).toMatchObject({ details: { sent: 1, answered: 7 } })
  expect(begun()).toHaveLength(1)
})

test.each<[GatewayFailure, string, object]>([
  ['died', 'MODEL_UNAVAILABLE', { sent: 1, unknown: true }],
  ['late', 'MODEL_TIMEOUT', { sent: 1, unknown: true }],
])('a thread that is %s leaves a call of which nobody knows the end', async (why, code, details) => {
  const { models, begun } = opened([why])
  expect(await failureOf(models.generate(call(), unheard))).toMatchObject({ code, details })
  expect(begun()).toHaveLength(1)
})

test('who gives up while it waits for the next try is let go, and so is its place', async () => {
  const { clock, models } = opened([{ code: 'MODEL_UNAVAILABLE', again: true, status: 500 }])
  const caller = new AbortController()
  const failed = failureOf(models.generate(call({ concurrency: 1 }), caller.signal))
  await clock.advance(1)
  caller.abort()
  expect(await failed).toMatchObject({ code: 'MODEL_UNAVAILABLE' })
  expect(await models.generate(call({ concurrency: 1 }), unheard)).toMatchObject({ text: 'ok' })
})
