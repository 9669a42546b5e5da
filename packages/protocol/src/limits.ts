/** Every cap that is not a manifest field, in bytes, counts or milliseconds. */
export const limits = {
  /** An event's payload and a turn's result, as JSON. */
  payloadBytes: 1_000_000,
  /** Lists and maps in each other: JSON is written and packed by functions that call themselves. */
  payloadDepth: 200,
  resultBytes: 1_000_000,
  stateValueBytes: 256_000,
  stateBytes: 64_000_000,
  /** One file read or write, one fetch body. */
  bodyBytes: 16_000_000,
  /** Names in a folder that `ctx.files.list` looks through. */
  listedNames: 10_000,
  /** One guest message: a body in base64 plus its envelope. */
  messageBytes: 24_000_000,
  /** Calls that one guest may have open, and all guests together. */
  guestCredits: 256,
  totalCredits: 1_024,
  /** One frame of the wire: entries and bytes; a larger single entry travels alone. */
  frameEntries: 256,
  frameBytes: 256_000,
  /** Recorded steps of one turn. */
  turnEffects: 10_000,
  /** What may wait for people in one process, how much one of them asks, and how many that have ended are remembered. */
  openRequests: 10_000,
  requestBytes: 64_000,
  endedRequests: 100,
  /** Notices of one process that wait to be sent, those that were given up and are remembered, and the tries of one. */
  waitingNotices: 1_000,
  lostNotices: 20,
  noticeTries: 12,
  /** Secrets of one process that people set, and the longest. */
  setSecrets: 1_000,
  secretBytes: 64_000,
  /** Turns that one process has open at a time in lanes of their own keys. */
  keyedLanes: 64,
  /** One entry of a memory, what its author may call it, the words that it is marked with, and a question to it. */
  memoryTextBytes: 64_000,
  memoryKeyChars: 256,
  memoryTags: 16,
  memoryTagChars: 64,
  memoryQueryChars: 2_000,
  /** Entries that one search gives at the most; those of one memory, and all of their texts. */
  memoryResults: 100,
  memoryEntries: 100_000,
  memoryBytes: 64_000_000,
  /** With its vectors. */
  embeddedMemoryBytes: 256_000_000,
  dedupeKeys: 100_000,
  dedupeMs: 7 * 24 * 3_600_000,
  stateHistory: 100,
  /** How often a turn is asked to compute its updates anew before the attempt fails. */
  stateRounds: 8,
  deadLetters: 1_000,
  logLineBytes: 16_000,
  /** Messages that a process remembers of its turns, and their characters as JSON. */
  conversationMessages: 2_000,
  conversationChars: 2_000_000,
  /** What a module says of its tools, as JSON; the input of a call, whose outcome may be as large as a result. */
  toolsChars: 128_000,
  toolInputBytes: 64_000,
  /** Tools of one MCP server that are taken, what they say together as JSON, one line or event of it, and what of its stderr goes to the log in a minute. */
  serverTools: 200,
  serverToolsChars: 512_000,
  serverMessageBytes: 4_000_000,
  serverLogBytes: 64_000,
  /** A JSON Schema of a message trigger. */
  schemaBytes: 64_000,
  subscribers: 10_000,
  /** Triggers of one process beside those of its manifest. */
  addedTriggers: 100,
  /** Of a channel: one item, a batch of them, what waits for one reader; who may have one open, and how many a turn may. */
  channelItemBytes: 64_000,
  channelBatch: 256,
  channelWaiting: 1_024,
  channelWaitingBytes: 1_000_000,
  channelMembers: 256,
  channelsOfTurn: 16,
  /** The text of a filter or path and its nesting; characters and members that it looks at in one event, and in a text that it looks for. */
  filterChars: 2_000,
  filterDepth: 32,
  filterLooks: 1_000_000,
  filterSearchChars: 256,
  /** Files that one file trigger remembers. */
  watchedPaths: 1_000_000,
} as const
