import type { Conversation, JournalRecord, JournalStore } from '@vigil/protocol'
import { committedConversation, noConversation } from '../fold/conversation-fold.ts'

const types = ['process.deployed', 'turn.completed', 'state.rewound'] as const
const pageRecords = 1_000

/** The conversation right after record `n` of a process, as far back as the log reaches. */
export async function conversationAt(journal: JournalStore, process: string, n: number): Promise<Conversation> {
  const records: JournalRecord[] = []
  for (const type of types) records.push(...(await writersUpTo(journal, { process, type, n })))
  return records
    .toSorted((a, b) => a.n - b.n)
    .reduce((conversation, record) => conversationAfter(conversation, record), noConversation)
}

function conversationAfter(before: Conversation, { type, data }: JournalRecord): Conversation {
  if (type === 'turn.completed' && data.writes.conversation !== undefined)
    return committedConversation(before, data.writes.conversation)
  if (type === 'process.deployed' || type === 'state.rewound') return data.conversation ?? before
  return before
}

async function writersUpTo(
  journal: JournalStore,
  { process, type, n }: { readonly process: string; readonly type: (typeof types)[number]; readonly n: number },
): Promise<JournalRecord[]> {
  const found: JournalRecord[] = []
  for (let after = 0; ; after = found.at(-1)?.n ?? after) {
    const page = await journal.page({
      process,
      type,
      after,
      limit: pageRecords,
      order: 'oldest_first',
      bodies: 'named',
    })
    found.push(...page.records.filter((record) => record.n <= n))
    if (page.records.length < pageRecords || (page.records.at(-1)?.n ?? 0) > n) return found
  }
}
