import type { Clock } from '@vigil/protocol'
import { type Exchange, pausing, send, sendFailure, sendJson } from './answering.ts'
import { complaintAbout } from './complaint.ts'
import { deliveryOf } from './delivery.ts'
import { embeddingsReply } from './embeddings.ts'
import { modelList } from './models.ts'
import type { FakeFailure, FakeReplies, FakeReply } from './reply.ts'
import type { FakeRequest } from './request.ts'

export interface FakeOpenAIOptions {
  /** What the chat is answered: a list that is used up, or a function. Default: always `Done.` */
  readonly replies?: FakeReplies<FakeReply>
  /** What befalls requests for embeddings. `'vectors'` is an answer, and so is what comes behind the list. */
  readonly embeddings?: FakeReplies<FakeFailure | 'vectors'>
  /** The only key that is let in; default: anybody. */
  readonly apiKey?: string
  /** The only models that there are; default: every name that is asked for. */
  readonly models?: readonly string[]
}

type Answer = (exchange: Exchange) => void | Promise<void>

/** What is said to a request. */
export function conversation(options: FakeOpenAIOptions, clock: Clock): Answer {
  const nextReply = script(options.replies ?? (() => 'Done.'))
  const nextVectors = script(options.embeddings ?? [])
  let answers = 0

  const chat: Answer = async (exchange) => {
    const { request, response } = exchange
    const found = await nextReply(request)
    if (found === undefined) return sendFailure(exchange, nothingLeft)
    const reply = typeof found === 'string' ? { text: found } : found
    await reply.after
    if (response.destroyed) return
    if ('status' in reply) return sendFailure(exchange, reply)
    if (reply.hang === 'before_headers') return
    answers += 1
    await send(exchange, deliveryOf(request, reply, answers), pausing(clock, response, reply.everyMs))
  }

  const embed: Answer = async (exchange) => {
    const reply = (await nextVectors(exchange.request)) ?? 'vectors'
    if (reply !== 'vectors') {
      await reply.after
      return sendFailure(exchange, reply)
    }
    const { json, input } = embeddingsReply(exchange.request.body)
    sendJson(exchange, json, { calls: 1, input, output: 0 })
  }

  const routes: Readonly<Record<string, Answer>> = {
    'POST /v1/chat/completions': chat,
    'POST /v1/embeddings': embed,
    'GET /v1/models': ({ request, response }) =>
      sendJson({ request, response }, modelList(options.models), request.billed),
  }

  return async (exchange) => {
    const { method, path } = exchange.request
    const route = routes[`${method} ${path}`]
    const refused = route === undefined ? noRoute(exchange.request) : refusal(exchange.request, options)
    if (refused !== undefined) return sendFailure(exchange, refused)
    await route?.(exchange)
  }
}

/** The replies one by one; undefined when a list is used up. */
function script<Reply>(replies: FakeReplies<Reply>): (request: FakeRequest) => Promise<Reply | undefined> {
  if (typeof replies === 'function') return async (request) => replies(request)
  let next = 0
  return async () => replies[next++]
}

/** No client comes again after it. */
const nothingLeft: FakeFailure = {
  status: 400,
  code: 'no_reply_left',
  message: 'the test planned no reply for this request: every one of its `replies` is used up',
}

const noRoute = ({ method, path }: FakeRequest): FakeFailure => ({
  status: 404,
  code: 'unknown_url',
  message: `Invalid URL (${method} ${path})`,
})

function refusal(request: FakeRequest, { apiKey, models }: FakeOpenAIOptions): FakeFailure | undefined {
  if (apiKey !== undefined && request.headers['authorization'] !== `Bearer ${apiKey}`) return { status: 401 }
  if (request.method === 'GET') return undefined
  const message = complaintAbout(request)
  if (message !== undefined) return { status: 400, message }
  return models !== undefined && !models.includes(request.model) ? { status: 404 } : undefined
}
