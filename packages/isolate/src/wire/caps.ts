/** Caps of the wire, in bytes and counts. Repeats what protocol says of messages, because the hub carries no package. */
export const limits = {
  /** A guest message of 24 MB and its envelope; bundles travel in frames, too. */
  frameBytes: 40_000_000,
  batchEntries: 256,
  batchBytes: 256_000,
  lineBytes: 16_000,
  linesPerSecond: 500,
  /** What may wait in ring 0 for a cell that does not read. */
  unreadBytes: 64_000_000,
} as const
