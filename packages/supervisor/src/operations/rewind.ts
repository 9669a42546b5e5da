import { isDeepStrictEqual } from 'node:util'
import { type Conversation, type JournalStore, type Json, type ProcessName, VigilError } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { Moment, Rewinding, StateDifference } from '../history-surface.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import { conversationAt } from './conversation-at.ts'
import { stateAt } from './state-at.ts'

/**
 * Brings the state of a process back to what it was right after a record, as a commit of its own. Nothing else goes back: what was
 * done, spent, accepted or decided stays so.
 * @throws INVALID_STATE while a turn is open · REWIND_UNREACHABLE when the log does not tell the state of then
 */
export async function rewind(
  log: RecordLog,
  fold: ProcessFold,
  { to, dryRun, by }: { readonly to: Moment; readonly dryRun: boolean; readonly by: string },
): Promise<Rewinding> {
  await log.settled()
  const n = await placeOf(log.journal, fold, to)
  const values = await statePast(log.journal, fold, n)
  const past = await conversationAt(log.journal, fold.name, n)
  // Looked at after the last wait: what began meanwhile must not lose its snapshot.
  if (!dryRun && fold.turns.size > 0) {
    const open = [...fold.turns.keys()].join(', ')
    throw new VigilError('INVALID_STATE', `"${fold.name}" has an open turn (${open}): cancel it or wait for its end`)
  }
  const changes = differences(fold.state, values)
  const forgets = messagesOf(fold.conversation).symmetricDifference(messagesOf(past)).size
  if (!dryRun && changes.length + forgets > 0) {
    const data = {
      to: n,
      set: Object.fromEntries(changes.flatMap(({ key, after }) => (after === undefined ? [] : [[key, after]]))),
      delete: changes.flatMap(({ key, after }) => (after === undefined ? [key] : [])),
      // No number of a message is given twice.
      ...(forgets === 0 ? {} : { conversation: { ...past, last: fold.conversation.last } }),
      by,
    }
    await log.commitDurably([{ process: fold.name as ProcessName, epoch: fold.epoch, type: 'state.rewound', data }])
  }
  return { n, changes, messages: forgets, applied: !dryRun }
}

const messagesOf = ({ messages }: Conversation): ReadonlySet<number> => new Set(messages.map(({ n }) => n))

/** The state right after record `n`. @throws REWIND_UNREACHABLE */
export async function statePast(
  journal: JournalStore,
  fold: ProcessFold,
  n: number,
): Promise<ReadonlyMap<string, unknown>> {
  const { values, unknown } = await stateAt(journal, fold, n)
  if (unknown.length === 0) return values
  const message = `the log of "${fold.name}" does not reach back to what these keys were at record ${n}: ${unknown.slice(0, 10).join(', ')}`
  throw new VigilError('REWIND_UNREACHABLE', message, { details: { keys: unknown } })
}

/** The number of the record that a moment means: itself, the end of a turn, or the newest at a time. */
export async function placeOf(journal: JournalStore, { name: process }: ProcessFold, to: Moment): Promise<number> {
  if ('n' in to) {
    const [record] = (await journal.page({ process, limit: 1, before: to.n + 1 })).records
    if (record?.n === to.n) return to.n
    throw new VigilError('REWIND_UNREACHABLE', `"${process}" has no record ${to.n} that is kept`)
  }
  if ('turn' in to) {
    const [record] = (await journal.page({ process, turn: to.turn, type: 'turn.completed', limit: 1 })).records
    if (record !== undefined) return record.n
    throw new VigilError('TURN_NOT_FOUND', `"${process}" has no completed turn ${to.turn} on record`)
  }
  return await placeAt(journal, process, to.at)
}

/** Records are in order of time as far as nobody set the clock back: halving finds the newest at or before it. */
async function placeAt(journal: JournalStore, process: string, at: string): Promise<number> {
  const ends = await Promise.all(
    (['oldest_first', 'newest_first'] as const).map((order) => journal.page({ process, limit: 1, order })),
  )
  let [low = 0, high = 0] = ends.map(({ records }) => records[0]?.n ?? 0)
  const timeOf = async (n: number) => (await journal.page({ process, limit: 1, before: n + 1 })).records[0]?.at ?? ''
  if ((await timeOf(low)) > at)
    throw new VigilError('REWIND_UNREACHABLE', `the oldest record of "${process}" that is kept is younger than ${at}`)
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((await timeOf(middle)) <= at) low = middle
    else high = middle - 1
  }
  return low
}

function differences(present: ReadonlyMap<string, unknown>, past: ReadonlyMap<string, unknown>): StateDifference[] {
  return [...new Set([...present.keys(), ...past.keys()])].sort().flatMap((key) => {
    const [before, after] = [present.get(key), past.get(key)]
    if (isDeepStrictEqual(before, after)) return []
    return [
      {
        key,
        ...(before === undefined ? {} : { before: before as Json }),
        ...(after === undefined ? {} : { after: after as Json }),
      },
    ]
  })
}
