/** A request that leaves the house. */
export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Total time for connect, headers and body. */
  readonly timeoutMs: number
  /** A longer reply body rejects with TOO_LARGE. */
  readonly maxBodyBytes: number
  /** Where it may go, as a manifest says it: `host`, `host:port`, `[v6]:port`. */
  readonly allow: readonly string[]
  /** May be sent again when nobody knows whether it has arrived. */
  readonly repeatable: boolean
  readonly secrets?: readonly BrokeredSecret[]
}

/**
 * A secret of the agent that sends. Where its placeholder stands in URL, headers or body its bytes are sent, and where they
 * come back in the reply its name stands. The bytes are shared and never copied: who owns the page zeroes it.
 */
export interface BrokeredSecret {
  readonly name: string
  /** Empty: it is not sent, and only looked for in the reply. */
  readonly placeholder: string
  /** See `secretPage`. */
  readonly page: SharedArrayBuffer
}

export interface HttpReply {
  readonly status: number
  readonly statusText: string
  /** Lower-case names; repeated headers joined with ", ". */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/**
 * Sends one request, follows no redirect. Rejects with a VigilError FETCH_FAILED, FETCH_TIMEOUT or TOO_LARGE; with
 * SECRET_DENIED when a secret cannot be sent in its place, NETWORK_DENIED when `allow` does not reach as far, and with EFFECT_IN_DOUBT when what is not repeatable may have arrived.
 */
export interface HttpClient {
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpReply>
  close(): Promise<void>
}
