/**
 * What ring 0 and the hub of a cell say to each other (slot 0). A slot is the number of a guest thread in its
 * cell; it is never given twice.
 */
export type HubCommand =
  | { readonly t: 'hello'; readonly token: string }
  /** Starts a thread and loads the guest runtime; it is nobody yet. */
  | {
      readonly t: 'open'
      readonly slot: number
      readonly runtime: string
      readonly oldGenerationMb: number
      /** Node's flags for what the guest may do; each is one of the cell's own. */
      readonly rights: readonly string[]
      /** It is opened for nobody yet. */
      readonly isSpare: boolean
    }
  /** Makes the thread of that slot somebody. */
  | {
      readonly t: 'place'
      readonly slot: number
      readonly boot: GuestBoot
      /** Report what the guest's heap and Buffers weigh. */
      readonly weigh: boolean
    }
  /** So many bytes stand in the lane, to be shared with the guest. */
  | { readonly t: 'lend'; readonly slot: number; readonly id: number; readonly bytes: number }
  | { readonly t: 'take_back'; readonly slot: number; readonly id: number }
  /** Ask the guest to end by itself. */
  | { readonly t: 'ask'; readonly slot: number }
  | { readonly t: 'terminate'; readonly slot: number }

/** What a guest is given to live: who it is, the module that it runs, and what it may do. */
export interface GuestBoot {
  readonly process: string
  readonly epoch: number
  readonly module: { readonly hash: string; readonly code: string; readonly codeCache?: string }
  readonly env: Readonly<Record<string, string>>
  /** Node's own modules that it may load, beside those that touch nothing. */
  readonly builtins?: readonly string[]
  /** Where native modules are looked for, if it may load any. */
  readonly addonsFrom?: string
}

/** What the hub says: hints, except that a frame came at all. */
export type HubReport =
  | { readonly t: 'started'; readonly slot: number }
  | { readonly t: 'beat'; readonly guests: readonly GuestBeat[] }
  /** Heap in use and Buffers, bytes; said when it has changed by a megabyte. */
  | { readonly t: 'weighed'; readonly slot: number; readonly bytes: number }
  | { readonly t: 'output'; readonly slot: number; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | {
      readonly t: 'ended'
      readonly slot: number
      readonly code: number
      readonly error?: { readonly message: string; readonly stack?: string; readonly code?: string }
    }

export interface GuestBeat {
  readonly slot: number
  /** The guest's own counter: it stands still while the guest's loop does not turn. */
  readonly beats: number
  /** How busy the guest's loop was since the last beat, 0 to 1. */
  readonly loop: number
}

/** How often guest and hub show that they live. */
export const beatMs = 100

/** How often a guest is weighed whose cell is shared. */
export const weighMs = 50
