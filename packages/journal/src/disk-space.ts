import type { SpaceState } from '@vigil/protocol'

/**
 * What a log does about a full disk, decided. Invariant: whoever is `open` has a whole ballast on the disk, so the room for
 * what was begun is never promised without being there.
 */
export type DiskNews =
  | 'flushed'
  /** A flush found no room, and the log is back at its last good offset. */
  | 'full'
  | 'ballast_given_up'
  | 'ballast_made'
  | 'ballast_refused'
  /** It is time to look whether there is room again. */
  | 'look'

/** `rest`: until something is appended, or it is time to look. */
export type DiskStep = 'flush' | 'give_up_ballast' | 'make_ballast' | 'rest'

export interface DiskDecision {
  readonly space: SpaceState
  readonly step: DiskStep
}

export function afterDiskNews(space: SpaceState, news: DiskNews): DiskDecision {
  switch (news) {
    case 'full':
      return space === 'open' ? { space: 'reserve', step: 'give_up_ballast' } : { space: 'exhausted', step: 'rest' }
    case 'ballast_given_up':
      return { space, step: 'flush' }
    case 'flushed':
      return { space: space === 'exhausted' ? 'reserve' : space, step: 'rest' }
    case 'look':
      if (space === 'open') return { space, step: 'rest' }
      return { space, step: space === 'exhausted' ? 'flush' : 'make_ballast' }
    case 'ballast_made':
      return { space: 'open', step: 'rest' }
    case 'ballast_refused':
      return { space, step: 'rest' }
  }
}
