/** What a person is asked to agree to. */
export interface ApprovalRequest {
  /** In a few words; it names the request beside its input. */
  readonly action: string
  /** JSON, at most 64 KB: all that is needed to decide. */
  readonly details?: unknown
  /** Milliseconds, or `'30s'`; default `approval.timeout` of the manifest, else 1 h. */
  readonly timeout?: number | string
  /**
   * When nobody decides in time (default `approval.on_timeout` of the manifest): `deny`, `approve`, or `escalate`: it is told once more and waits as long again, then it is
   * denied.
   */
  readonly onTimeout?: 'deny' | 'approve' | 'escalate'
}

export interface Approval<Edits = unknown> {
  readonly approved: boolean
  /** Who decided: the name of a token, or `policy`. */
  readonly by: string
  readonly reason?: string
  /** What the person wants to be done instead of what was asked. */
  readonly edits?: Edits
}

export interface HumanQuestion {
  readonly question: string
  /** The only answers. */
  readonly options?: readonly string[]
  /** JSON Schema of the answer, or an object with `toJSONSchema()`; default: any JSON. */
  readonly schema?: object
  /** Milliseconds, or `'30s'`; default `approval.timeout` of the manifest, else 1 h. */
  readonly timeout?: number | string
  /** The answer when nobody gives one in time. */
  readonly default?: unknown
}
