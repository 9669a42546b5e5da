import { type JournalRecord, VigilError } from '@vigil/protocol'
import { type ProcessFold, type TurnFold, turnOf } from '../fold/process-fold.ts'
import { requestsOf, requestWords } from '../fold/request-fold.ts'
import { doubtsOf } from '../fold/turn-fold.ts'
import type { AgentProcess } from '../processes/agent-process.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { TurnState, TurnSummary } from '../surface.ts'

/** What people ask about turns, and how they end one. */
export interface TurnsQuery {
  readonly state?: TurnState | undefined
  /** Default 50. */
  readonly limit?: number | undefined
}

const defaultLimit = 50
const endTypes = {
  completed: 'turn.completed',
  dead_lettered: 'turn.dead_lettered',
  cancelled: 'turn.cancelled',
} as const

/** Open turns and waiting events first, in the order of their events, then those that ended, newest first. */
export async function listTurns(
  log: RecordLog,
  { fold, life }: Pick<AgentProcess, 'fold' | 'life'>,
  { state, limit = defaultLimit }: TurnsQuery,
): Promise<TurnSummary[]> {
  const wanted = (found: TurnState): boolean => state === undefined || state === found
  const open = present(fold, life?.running ?? new Set()).filter((turn) => wanted(turn.state))
  await log.settled()
  const ended: JournalRecord[] = []
  for (const [end, type] of Object.entries(endTypes)) {
    if (!wanted(end as TurnState)) continue
    ended.push(...(await log.journal.page({ process: fold.name, type, limit, bodies: 'named' })).records)
  }
  ended.sort((a, b) => b.n - a.n)
  return [...open, ...ended.flatMap(endOf)].slice(0, limit)
}

function present(fold: ProcessFold, running: ReadonlySet<string>): TurnSummary[] {
  const turns = new Map([...fold.turns.values()].flatMap((turn) => turn.eventIds.map((id) => [id, turn] as const)))
  return [...fold.mailbox.values()].map(({ event_id: eventId, trigger_id: trigger, timestamp }) => {
    const turn = turns.get(eventId)
    const about = { turn: turn?.turn ?? turnOf(eventId), eventId, trigger }
    if (turn === undefined) return { ...about, state: 'waiting', attempt: 0, at: timestamp }
    return { ...about, ...stateOf(fold, turn, running), attempt: turn.attempt, at: turn.startedAt }
  })
}

function stateOf(
  process: ProcessFold,
  turn: TurnFold,
  running: ReadonlySet<string>,
): { readonly state: TurnState; readonly why?: string } {
  if (turn.parked !== undefined) {
    const kinds = doubtsOf(turn).map(({ kind }) => kind)
    return { state: 'awaiting', why: `in doubt since ${turn.parked.at}: ${kinds.join(', ')}` }
  }
  if (turn.suspended !== undefined) return { state: 'awaiting', why: requestWords(requestsOf(process, turn.turn)) }
  if (turn.retry !== undefined) return { state: 'retrying', why: `next attempt at ${turn.retry.at}` }
  return running.has(turn.turn) ? { state: 'running' } : { state: 'suspended' }
}

function endOf(record: JournalRecord): TurnSummary[] {
  const { at, turn = '' } = record
  switch (record.type) {
    case 'turn.completed':
      return [{ turn, eventId: record.data.event_id, state: 'completed', attempt: record.data.attempt, at }]
    case 'turn.dead_lettered': {
      const { event_id: eventId, attempts, reason, error } = record.data
      return [{ turn, eventId, state: 'dead_lettered', attempt: attempts, at, why: `${reason}: ${error.message}` }]
    }
    case 'turn.cancelled':
      return [{ turn, eventId: record.data.event_id, state: 'cancelled', attempt: 0, at, why: record.data.reason }]
    default:
      return []
  }
}

/**
 * Ends an open turn, or an event whose turn has not begun; what its effects did stays done.
 * @throws TURN_NOT_FOUND when it has ended or never was
 */
export async function cancelTurn(
  log: RecordLog,
  process: Pick<AgentProcess, 'fold' | 'cancel'>,
  turn: string,
  end: { readonly by: string; readonly reason: string },
): Promise<void> {
  const { fold } = process
  const eventId = fold.turns.get(turn)?.eventId ?? fold.mailbox.keys().find((id) => turnOf(id) === turn)
  if (eventId === undefined || !process.cancel(eventId, end))
    throw new VigilError('TURN_NOT_FOUND', `"${fold.name}" has no open turn and no waiting event of turn ${turn}`)
  await log.settled()
}
