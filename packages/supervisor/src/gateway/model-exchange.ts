import {
  type Clock,
  type EmbedCall,
  type EmbedReply,
  type ModelCall,
  type ModelProvider,
  type ModelReply,
  VigilError,
} from '@vigil/protocol'
import type OpenAI from 'openai'
import { type Dispatcher, request as send } from 'undici'
import { requestTokens } from '../models/request-size.ts'
import { type Redaction, redaction } from '../vault/redaction.ts'
import { chatClients, type RequestWay, wayOut } from './chat-clients.ts'
import { type ChatDeltas, chatDeltas } from './chat-deltas.ts'
import { chatParameters } from './chat-parameters.ts'
import { destinationOf } from './destination.ts'
import { type Egress, egress } from './egress.ts'
import { vectorsOf } from './embedding-vectors.ts'
import { modelFailure, type Progress, tryFailure } from './model-failure.ts'
import type { Resolver } from './pinned-connector.ts'

/** One try of a call of a model: nothing is repeated here. Rejects with an error whose details are a `TryFailure`. */
export interface ModelExchange {
  generate(call: ModelCall, options: TryOptions): Promise<Omit<ModelReply, 'usd'>>
  embed(call: EmbedCall, options: TryOptions): Promise<Omit<EmbedReply, 'usd'>>
  close(): Promise<void>
}

export interface TryOptions {
  readonly signal: AbortSignal
  readonly leftMs: number
}

export interface ModelExchangeOptions {
  readonly clock: Clock
  readonly ownPorts: ReadonlySet<number>
  readonly resolver?: Resolver | undefined
}

/** No token is longer on the average of an answer: who sends more does not keep to what was ordered. */
const bytesPerToken = 16
/** What is said around a token, as JSON, and around all of them. */
const wrapping = { perToken: 4_096, whole: 1_000_000 }
const errorBytes = 64_000
/** A response of theirs may have no body. */
const bodiless = new Set([204, 205, 304])
/** Without a reason each end would cost an error and its stack. */
const over = new VigilError('ABORTED', 'it is over')
const embeddingBytes = 64_000_000

export function modelExchange({ clock, ownPorts, resolver }: ModelExchangeOptions): ModelExchange {
  // Core counts how many calls of a provider are under way.
  const sockets = egress({ ownPorts, resolver, socketsPerOrigin: null })
  const clientOf = chatClients()
  const attempt = (parts: Omit<AttemptParts, 'clock' | 'sockets' | 'client'>): Attempt =>
    beginAttempt({ ...parts, clock, sockets, client: clientOf(parts.provider) })

  return {
    async generate(call, options) {
      const { model, provider, max_output_tokens: ordered } = call
      const most = wrapping.whole + ordered * wrapping.perToken
      return await attempt({ provider, ...options, mostBytes: most }).run(async ({ client, signal, way, progress }) => {
        const stream = await client.chat.completions.create(chatParameters(call), way)
        const said = chatDeltas()
        let end: 'length' | undefined
        for await (const chunk of stream) {
          said.add(chunk)
          progress.answered = said.bytes
          if (said.bytes <= ordered * bytesPerToken) continue
          end = 'length'
          break
        }
        if (signal.aborted) throw signal.reason
        return whole(said, { end: end ?? (progress.isDone ? 'stop' : undefined), call, model })
      })
    },
    async embed({ provider, model, texts }, options) {
      return await attempt({ provider, ...options, mostBytes: embeddingBytes }).run(async ({ client, way }) => {
        const reply = await client.embeddings.create({ model, input: [...texts], encoding_format: 'base64' }, way)
        const vectors = vectorsOf(reply, texts.length)
        if (vectors === undefined)
          throw new VigilError('MODEL_MALFORMED', `expected ${texts.length} vectors of ${model}, found something else`)
        const tokens = reply.usage?.prompt_tokens
        const usage =
          Number.isSafeInteger(tokens) && tokens >= 0
            ? { input: tokens, output: 0 }
            : { input: requestTokens({ texts }), output: 0, estimated: true as const }
        return { vectors, usage, model: reply.model || model }
      })
    },
    close: sockets.close,
  }
}

function whole(
  said: ChatDeltas,
  {
    end,
    call,
    model,
  }: { readonly end: 'length' | 'stop' | undefined; readonly call: ModelCall; readonly model: string },
): Omit<ModelReply, 'usd'> {
  const estimate = (bytes: number) => ({
    input: requestTokens(call),
    // Who had to be cut does not keep to the cap, and may send a bill for all that it said.
    output: end === 'length' ? bytes : Math.min(bytes, call.max_output_tokens),
    estimated: true as const,
  })
  const reply = said.reply({ end, estimate, model })
  if (reply !== undefined) return reply
  throw new VigilError(
    'MODEL_MALFORMED',
    `expected an answer of ${model} to its end, found it broken off after ${said.bytes} bytes`,
  )
}

interface AttemptParts extends TryOptions {
  readonly provider: ModelProvider
  readonly clock: Clock
  readonly sockets: Egress
  readonly client: OpenAI
  readonly mostBytes: number
}

interface Attempt {
  run<T>(
    ask: (asked: {
      readonly client: OpenAI
      readonly signal: AbortSignal
      /** Of each request of the client. */
      readonly way: RequestWay
      readonly progress: Progress
    }) => Promise<T>,
  ): Promise<T>
}

/** One total deadline and one for silence; what the other side says is looked through for the key. */
function beginAttempt({ provider, clock, sockets, client, signal, leftMs, mostBytes }: AttemptParts): Attempt {
  const stop = new AbortController()
  const progress: Progress = { isSent: false, isDone: false }
  const late = (reason: string) => () => stop.abort(modelFailure(provider, 'MODEL_TIMEOUT', reason))
  const silent = () => clock.setTimer(provider.idleMs, late(`no byte for ${provider.idleMs} ms`))
  const total = clock.setTimer(leftMs, late(`no whole answer within ${provider.timeoutMs} ms`))
  let idle = silent()
  const giveUp = (): void => stop.abort(modelFailure(provider, 'MODEL_UNAVAILABLE', 'the caller gave up'))
  signal.addEventListener('abort', giveUp, { once: true })
  const secrets = provider.key === undefined ? [] : [provider.key]
  const clean = redaction(secrets)
  const leaves: (() => void)[] = []

  const heard = (bytes: Uint8Array, most: number): void => {
    idle.cancel()
    idle = silent()
    progress.read = (progress.read ?? 0) + bytes.byteLength
    if (progress.read > most)
      stop.abort(modelFailure(provider, 'MODEL_MALFORMED', `it answers with more than ${most} bytes`))
    progress.isDone ||= Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).subarray(-64).includes('[DONE]')
  }

  const fetcher: typeof fetch = async (url, init = {}) => {
    const { host, port, protocol } = new URL(String(url))
    const allow = [port === '' ? `${host}:${protocol === 'https:' ? 443 : 80}` : host]
    const destination = destinationOf(String(url), allow)
    const leave = sockets.begin(destination, { headers: Object.fromEntries(new Headers(init.headers)), secrets })
    leaves.push(leave.end)
    progress.isSent = true
    const { statusCode, headers, body } = await send(String(url), {
      method: (init.method ?? 'POST') as Dispatcher.HttpMethod,
      // What is packed would have to be unpacked here.
      headers: { ...leave.headers, 'accept-encoding': 'identity' },
      body: init.body as string,
      dispatcher: leave.dispatcher,
      signal: stop.signal,
    })
    // Who ends it before anybody reads it is told elsewhere.
    body.on('error', () => undefined)
    const pages = ReadableStream.from(counted(body, statusCode < 300 ? mostBytes : errorBytes))
    return new Response(bodiless.has(statusCode) ? null : (pages as ReadableStream<Uint8Array<ArrayBuffer>>), {
      status: statusCode,
      headers: headers as Record<string, string>,
    })
  }
  async function* counted(body: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
    for await (const bytes of body) {
      heard(bytes, most)
      yield bytes
    }
  }

  return {
    async run(ask) {
      try {
        const way = wayOut(fetcher, stop.signal)
        return clean.value(await ask({ client, signal: stop.signal, way, progress }))
      } catch (error) {
        throw redacted(
          tryFailure({
            provider,
            error: stop.signal.aborted ? stop.signal.reason : error,
            progress,
            nowMs: clock.now(),
          }),
          clean,
        )
      } finally {
        total.cancel()
        idle.cancel()
        for (const end of leaves) end()
        clean.end()
        signal.removeEventListener('abort', giveUp)
        // Lets go of a connection whose answer was not read to its end.
        stop.abort(over)
      }
    },
  }
}

const redacted = ({ code, message, details }: VigilError, clean: Redaction): VigilError =>
  new VigilError(code, clean.text(message), { details })
