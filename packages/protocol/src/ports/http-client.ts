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
}

export interface HttpReply {
  readonly status: number
  readonly statusText: string
  /** Lower-case names; repeated headers joined with ", ". */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Sends one request, follows no redirect. Rejects with a VigilError FETCH_FAILED, FETCH_TIMEOUT or TOO_LARGE. */
export interface HttpClient {
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpReply>
  close(): Promise<void>
}
