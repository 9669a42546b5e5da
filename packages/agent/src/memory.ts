/** What the agent remembers beside its state: its own, or one that several agents share. What is stored stays, whatever becomes of the turn. */
export interface AgentMemory {
  /**
   * A text of at most 64 KB. The next under the same `key` takes its place.
   * @throws MEMORY_DISABLED · MEMORY_FULL · TOO_LARGE
   */
  store(
    text: string,
    options?: { readonly tags?: readonly string[]; readonly key?: string },
  ): Promise<{ readonly id: string }>
  /**
   * By keywords (BM25): entries that hold a word of the query, the best first; an empty query gives the newest. With `memory.embeddings` in
   * the manifest also by meaning. `max` (default
   * `memory.max` of the manifest), `minScore` (default `memory.min_score`), `tags`: all of them. @throws MEMORY_DISABLED
   */
  search(
    query: string,
    options?: { readonly max?: number; readonly minScore?: number; readonly tags?: readonly string[] },
  ): Promise<readonly MemoryEntry[]>
  /** By its id or the key that it was stored under; false when it was not there. @throws MEMORY_DISABLED */
  forget(which: string | { readonly key: string }): Promise<boolean>
}

export interface MemoryEntry {
  readonly id: string
  readonly text: string
  readonly tags: readonly string[]
  readonly key?: string
  readonly score: number
  /** ISO time. */
  readonly at: string
  /** Which agent stored it. */
  readonly by: string
}
