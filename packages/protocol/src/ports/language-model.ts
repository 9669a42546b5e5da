import type { EmbedReply, EmbedRequest, ModelReply, ModelRequest, ModelUsage } from '../model.ts'
import type { BrokeredSecret } from './http-client.ts'

/** Where a model is, and how it is reached. */
export interface ModelProvider {
  readonly name: string
  /** Ends before `/chat/completions`. */
  readonly baseUrl: string
  readonly headers: Readonly<Record<string, string>>
  /** What it calls the cap of output. */
  readonly outputField: 'max_completion_tokens' | 'max_tokens'
  /** Without one no key is sent. */
  readonly key?: BrokeredSecret
  /** Of one call, its retries included. */
  readonly timeoutMs: number
  /** Longest silence, before the first byte and between two. */
  readonly idleMs: number
  /** Tries after the first, when it says 429 or 5xx or cannot be reached. */
  readonly retries: number
  /** Calls at a time; what is more waits. */
  readonly concurrency: number
  readonly rate?: { readonly count: number; readonly perMs: number }
}

/** The name of a model at its provider stands in `model`. What it costs is not known here. */
export type ModelCall = Omit<ModelRequest, 'purpose'> & { readonly provider: ModelProvider }
export type EmbedCall = EmbedRequest & { readonly provider: ModelProvider }

/**
 * Asks models that are elsewhere. Rejects with a VigilError: MODEL_UNAVAILABLE (not reached, or 5xx to the end), MODEL_RATE_LIMITED (429 to
 * the end), MODEL_REFUSED (any other 4xx), MODEL_TIMEOUT, MODEL_MALFORMED (broken off, or no reply at all). Its `details` are a `ModelFailure`.
 */
export interface LanguageModel {
  generate(call: ModelCall, signal: AbortSignal): Promise<Omit<ModelReply, 'usd'>>
  embed(call: EmbedCall, signal: AbortSignal): Promise<Omit<EmbedReply, 'usd'>>
}

export interface ModelFailure {
  readonly status?: number
  /** How often it was sent. */
  readonly sent: number
  /** Bytes of answers that came before it failed, over all tries; absent: it was refused or never arrived, and so costs nothing. */
  readonly answered?: number
  /** Nobody knows whether it has arrived, or how far it came. */
  readonly unknown?: true
  /** What it comes to, as the gate has charged it. */
  readonly usage?: ModelUsage
  /** US dollars. */
  readonly usd?: number
}
