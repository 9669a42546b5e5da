import type { FakeRequest } from './request.ts'

/** A call of a tool by the model. */
export interface FakeCall {
  readonly name: string
  /** JSON of it is sent as the arguments; default `{}`. */
  readonly input?: unknown
  /** Instead of `input`: sent as it stands, also when it is no JSON. */
  readonly arguments?: string
  /** Default `call_<number of the answer>_<place>`. */
  readonly id?: string
}

/** What the model answers, and how well it behaves while it does. */
export interface FakeAnswer {
  /** A list is sent in these pieces when the answer is streamed; a text in pieces of 24 characters. */
  readonly text?: string | readonly string[]
  /** Instead of `text`: sent as JSON, as structured output is. */
  readonly json?: unknown
  /** Called in one answer, streamed one behind the other with their arguments in pieces of 12 characters. */
  readonly calls?: readonly FakeCall[]
  /** Why the model will not say it. */
  readonly refusal?: string
  /** Default `tool_calls` with calls, `length` when the request's most tokens cut it, else `stop`. */
  readonly finishReason?: 'stop' | 'length' | 'tool_calls' | 'content_filter'
  /** What is reported (and billed) instead of what was counted, or that nothing is reported. */
  readonly usage?: 'none' | { readonly input?: number; readonly output?: number }
  /** Says all of it, whatever the request allows. */
  readonly ignoresMaxTokens?: boolean
  /** Nothing is sent before this resolves. */
  readonly after?: Promise<unknown>
  /** Milliseconds between one piece and the next; default none. */
  readonly everyMs?: number
  /** Takes the request and says nothing; or sends the first piece, and nothing more. */
  readonly hang?: 'before_headers' | 'in_stream'
  /**
   * Breaks off: the `socket` is destroyed in the middle; an `error` of the server comes in the middle; all was said but the
   * stream ends with `no_finish` reason; or with no `[DONE]` (`no_done`).
   */
  readonly truncate?: 'socket' | 'error' | 'no_finish' | 'no_done'
  /** A piece in the middle (or the whole body, when it is not streamed) is no JSON. */
  readonly malformed?: boolean
}

/** An error of the server, in OpenAI's words for its status unless they are given. */
export interface FakeFailure {
  readonly status: number
  readonly message?: string
  readonly type?: string
  readonly code?: string
  /** Seconds, as `retry-after`. */
  readonly retryAfter?: number
  /** Milliseconds, as `retry-after-ms`. */
  readonly retryAfterMs?: number
  readonly after?: Promise<unknown>
}

/** A string is a text. */
export type FakeReply = string | FakeAnswer | FakeFailure

/** One for each request in the order in which they arrive (retries of a client are requests, too), or a function of the request. */
export type FakeReplies<Reply> = readonly Reply[] | ((request: FakeRequest) => Reply | Promise<Reply>)
