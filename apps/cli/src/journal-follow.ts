import type { Client, EntryView, JournalQuery } from '@vigil/protocol'

/** Reads a journal forwards over an interface that pages backwards: each record once, oldest first. */
export interface FollowOptions {
  readonly name: string
  readonly query: Pick<JournalQuery, 'type' | 'turn'>
  /** How many records to begin with. */
  readonly limit: number
  /** Resolves when it is time to look again, with false to end. */
  readonly again: () => Promise<boolean>
}

const pageSize = 1_000

export async function* follow(
  client: Pick<Client, 'journal'>,
  { name, query, limit, again }: FollowOptions,
): AsyncGenerator<EntryView> {
  const first = await client.journal(name, { ...query, limit })
  yield* first.entries.toReversed()
  let seen = first.entries[0]?.n ?? 0
  while (await again()) {
    const fresh = await since(client, name, query, seen)
    yield* fresh
    seen = fresh.at(-1)?.n ?? seen
  }
}

/** Everything after `seen`, however many pages that is. */
async function since(
  client: Pick<Client, 'journal'>,
  name: string,
  query: FollowOptions['query'],
  seen: number,
): Promise<EntryView[]> {
  const found: EntryView[] = []
  let before: string | null = null
  do {
    const page = await client.journal(name, {
      ...query,
      limit: pageSize,
      after: String(seen),
      ...(before === null ? {} : { before }),
    })
    found.push(...page.entries)
    before = page.next
  } while (before !== null)
  return found.reverse()
}
