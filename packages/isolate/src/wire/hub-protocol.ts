/** What ring 0 tells the hub of a cell (slot 0, JSON). */
export type HubCommand =
  | { readonly t: 'hello'; readonly token: string }
  | {
      readonly t: 'place'
      readonly runtime: string
      readonly boot: {
        readonly process: string
        readonly epoch: number
        readonly module: { readonly hash: string; readonly code: string }
        readonly env: Readonly<Record<string, string>>
      }
      readonly oldGenerationMb: number
    }
  /** Ask the guest to end by itself. */
  | { readonly t: 'ask' }
  | { readonly t: 'terminate' }

/** What the hub says (slot 0, JSON): hints, except that a frame came at all. */
export type HubReport =
  | { readonly t: 'started' }
  /** `beats` is the guest's own counter: it stands still while the guest's loop does not turn. */
  | { readonly t: 'beat'; readonly beats: number }
  | { readonly t: 'output'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | {
      readonly t: 'ended'
      readonly code: number
      readonly error?: { readonly message: string; readonly stack?: string; readonly code?: string }
    }

/** How often guest and hub show that they live. */
export const beatMs = 200
