/** What was asked of the fleet; `eventId` is what it acknowledged. */
export interface Asked {
  readonly agent: 'desk' | 'teller' | 'watcher'
  readonly name: string
  eventId?: string
  /** A person cancelled it, and was told that it is so. */
  cancelled?: true
}

/** A record as somebody saw it while the supervisor lived. */
export interface Witnessed {
  readonly process: string
  readonly n: number
  readonly type: string
  readonly at: string
}
