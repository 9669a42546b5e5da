import type { FoundEntry } from './search.ts'

export interface MemoryQuery {
  /** Keywords; without them the newest entries come first. */
  readonly query?: string
  /** Default 100. */
  readonly limit?: number
  /** The `next` of the page before. */
  readonly cursor?: string
}

/** What a process remembers beside its state. */
export interface MemoryPage {
  /** Whether its agent may use it. */
  readonly enabled: boolean
  /** All agents that give this name see the same entries. */
  readonly share?: string
  readonly total: number
  readonly bytes: number
  readonly entries: readonly FoundEntry[]
  readonly next: string | null
}

/** What people do with what an agent remembers. */
export interface MemoryHandle {
  /** @throws INVALID_ARGUMENT for a cursor that is none */
  memory(query?: MemoryQuery): Promise<MemoryPage>
  /** @throws MEMORY_NOT_FOUND */
  forgetMemory(id: string, by?: string): Promise<void>
}
