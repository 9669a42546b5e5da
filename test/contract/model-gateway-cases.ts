import { LLMock } from '@copilotkit/aimock'
import type { LanguageModel, ModelCall, ModelFailure, ModelProvider, ModelReply, VigilError } from '@vigil/protocol'
import { type FakeOpenAI, type FakeOpenAIOptions, startFakeOpenAI } from '@vigil/testkit'
import { beforeAll, test } from 'vitest'
import { gatewayLink } from '../../packages/supervisor/src/gateway/gateway-link.ts'
import { languageModel } from '../../packages/supervisor/src/models/language-model.ts'
import { systemClock } from '../../packages/supervisor/src/platform/clock.ts'
import { systemRandom } from '../../packages/supervisor/src/platform/random.ts'

/** What differs from an ordinary call. */
export type Asked = Partial<Pick<ModelCall, 'messages' | 'max_output_tokens' | 'schema' | 'tools'>> &
  Partial<Omit<ModelProvider, 'name'>>

export interface Given extends FakeOpenAIOptions {
  readonly asked?: Asked
  /** While the call is under way. */
  readonly meanwhile?: (fake: FakeOpenAI, giveUp: AbortController) => Promise<void>
}

/** Either a reply or an error, and what it took. */
export interface Outcome {
  readonly reply: Omit<ModelReply, 'usd'> | undefined
  readonly code: string | undefined
  readonly message: string | undefined
  readonly failure: ModelFailure | undefined
  /** Requests that the server saw. */
  readonly sent: number
}

export interface FakedOutcome extends Outcome {
  readonly fake: FakeOpenAI
  readonly billed: FakeOpenAI['billed']
}

type Play<Result> = (model: LanguageModel) => Promise<Result>
const plays: { readonly begin: (model: LanguageModel) => void; readonly over: Promise<unknown> }[] = []

/** All cases of a file are played side by side over one gateway thread, before its tests look at what came of them. */
beforeAll(async () => {
  const clock = systemClock()
  const link = gatewayLink({ clock })
  const model = languageModel({ link, clock, random: systemRandom() })
  // A thread that starts, and the library that it loads, are no part of anybody's deadline.
  await using warm = await startFakeOpenAI()
  await model.generate(callOf(warm.url), new AbortController().signal)
  for (const { begin } of plays) begin(model)
  await Promise.allSettled(plays.map(({ over }) => over))
  await link.close()
  clock.close()
})

function played<Result>(name: string, play: Play<Result>, check: (outcome: Result) => void): void {
  const outcome = Promise.withResolvers<Result>()
  plays.push({ begin: (model) => play(model).then(outcome.resolve, outcome.reject), over: outcome.promise })
  test(name, async () => check(await outcome.promise))
}

/** A call of a model at `startFakeOpenAI`. */
export function hardCase(
  name: string,
  { asked, meanwhile, ...server }: Given,
  check: (outcome: FakedOutcome) => void,
): void {
  const play: Play<FakedOutcome> = async (model) => {
    await using fake = await startFakeOpenAI(server)
    const giveUp = new AbortController()
    const call = outcomeOf(model.generate(callOf(fake.url, asked), giveUp.signal))
    await meanwhile?.(fake, giveUp)
    const outcome = await call
    await settled(fake)
    return { ...outcome, sent: fake.requests.length, fake, billed: fake.billed }
  }
  played(name, play, check)
}

/** A call of a model at a server that others wrote. */
export function foreignCase(
  name: string,
  given: { readonly asked?: Asked; readonly plan: (mock: LLMock) => void },
  check: (outcome: Outcome) => void,
): void {
  const play: Play<Outcome> = async (model) => {
    const mock = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' })
    given.plan(mock)
    await mock.start()
    try {
      const outcome = await outcomeOf(
        model.generate(callOf(`${mock.url}/v1`, given.asked), new AbortController().signal),
      )
      return { ...outcome, sent: mock.getRequests().length }
    } finally {
      await mock.stop()
    }
  }
  played(name, play, check)
}

/** A server sees a little later than the client that the client has gone. */
async function settled(fake: FakeOpenAI): Promise<void> {
  for (let look = 0; look < 100 && fake.requests.some(({ ended }) => ended === undefined); look += 1)
    await new Promise((resolve) => setTimeout(resolve, 20))
}

const parameters = { type: 'object', properties: {} }
let providers = 0

function callOf(
  baseUrl: string,
  { messages, max_output_tokens = 4_096, schema, tools, ...provider }: Asked = {},
): ModelCall {
  // A provider has one lane: what it says to one call would hold back the others.
  providers += 1
  return {
    model: 'gpt-5-mini',
    messages: messages ?? [
      { role: 'system', text: 'You help.' },
      { role: 'user', text: 'Go on.' },
    ],
    tools: tools ?? ['add', 'look_up'].map((name) => ({ name, parameters })),
    max_output_tokens,
    ...(schema && { schema }),
    provider: {
      ...{ name: `provider-${providers}`, baseUrl, headers: {}, outputField: 'max_completion_tokens' },
      ...{ timeoutMs: 60_000, idleMs: 20_000, retries: 2, concurrency: 8, ...provider },
    },
  }
}

const outcomeOf = (call: Promise<Omit<ModelReply, 'usd'>>): Promise<Omit<Outcome, 'sent'>> =>
  call.then(
    (reply) => ({ reply, code: undefined, message: undefined, failure: undefined }),
    ({ code, message, details }: VigilError) => ({ reply: undefined, code, message, failure: details as ModelFailure }),
  )
