import { isDeepStrictEqual } from 'node:util'
import {
  type Bundle,
  type CellLauncher,
  type Clock,
  type ExitCause,
  type Guest,
  type GuestMessage,
  type Json,
  VigilError,
} from '@vigil/protocol'
import { turnEvent } from '../delivery/turn-event.ts'
import type { ProcessFold } from '../fold/process-fold.ts'
import { listens } from '../fold/turn-fold.ts'
import type { TurnEnd, TurnReplay } from '../history-surface.ts'
import { guestSpec, parseGuestMessage, turnMessage } from '../processes/guest-words.ts'
import type { EndedTurn } from './turn-record.ts'

/** What a replay needs of the machine: a cell to run in, and no way out of it. */
export interface ReplayParts {
  readonly cells: CellLauncher
  readonly clock: Clock
  readonly guestRuntime: Bundle
  readonly module: Bundle
  readonly env: Readonly<Record<string, string>>
  /** State at the beginning of the turn. */
  readonly state: ReadonlyMap<string, unknown>
}

/** What the guest of a replay came to. */
interface Course {
  readonly end?: Extract<GuestMessage, { t: 'completed' | 'threw' }>
  readonly failed?: string
  readonly unrecorded: Extract<GuestMessage, { t: 'call' }>[]
}

/** A call that is not on record gets no answer; others may still come beside it. */
const quietMs = 1_000

/** Runs an ended turn again in a cell of its own, with its recorded outcomes and with no gate behind it. */
export async function replayTurn(
  parts: ReplayParts,
  fold: ProcessFold,
  { turn, events, end }: EndedTurn,
): Promise<TurnReplay> {
  if (listens(turn))
    throw new VigilError('CHANNEL_INTERRUPTED', `${turn.turn} had a channel: what came over it is not on record`)
  const mailbox = new Map(events.map((event) => [event.event_id, event]))
  const event = turnEvent({ ...fold, mailbox }, turn)
  const course = await run(parts, fold, (post) => {
    if (event === undefined) return
    const state = { full: true, set: Object.fromEntries(parts.state), delete: [] }
    post(JSON.stringify(turnMessage(fold, { turn, event, state, crashed: true })))
  })
  const recorded = recordedEnd(end)
  const replayed = course.end === undefined ? undefined : replayedEnd(course.end)
  const unasked = (course.end?.unasked ?? []).filter((key) => turn.effects.get(key)?.attempt === turn.attempt)
  return {
    turn: turn.turn,
    same: unasked.length + course.unrecorded.length === 0 && isDeepStrictEqual(recorded, replayed),
    recorded,
    ...(replayed === undefined ? {} : { replayed }),
    unasked,
    unrecorded: course.unrecorded.map(({ key, kind, input }) => ({ key, kind, input: input as Json })),
    ...(course.failed === undefined ? {} : { failed: course.failed }),
  }
}

function run(
  { cells, clock, guestRuntime, module, env }: ReplayParts,
  fold: ProcessFold,
  begin: (post: (text: string) => void) => void,
): Promise<Course> {
  const { promise, resolve } = Promise.withResolvers<Course>()
  const unrecorded: Course['unrecorded'] = []
  let course: Course = { unrecorded, failed: 'it did not come to an end within max_turn' }
  const stop = (found: Partial<Course>): void => {
    course = { unrecorded, ...found }
    guest.kill({ kind: 'shutdown' })
  }
  let timer = clock.setTimer(fold.manifest.maxTurnMs, () => stop(course))
  const hear = (text: string): void => {
    const message = parseGuestMessage(text)
    if (message?.t === 'ready') begin((words) => guest.post(words))
    else if (message?.t === 'unready') stop({ failed: message.error.message })
    else if (message?.t === 'completed' || message?.t === 'threw') stop({ end: message })
    else if (message?.t === 'call') {
      unrecorded.push(message)
      timer.cancel()
      timer = clock.setTimer(quietMs, () => stop({}))
    }
  }
  // No life of the process: those have epochs from 1 on.
  const nobody = { ...fold, epoch: 0 }
  const guest: Guest = cells.launch(guestSpec({ process: nobody, module, guestRuntime, env, alone: true }), {
    started: () => undefined,
    message: hear,
    exited(cause: ExitCause) {
      timer.cancel()
      const itself = course.end === undefined && unrecorded.length === 0 && cause.kind !== 'shutdown'
      resolve(itself ? { unrecorded, failed: `the guest ended: ${JSON.stringify(cause)}` } : course)
    },
  })
  return promise
}

function recordedEnd(end: EndedTurn['end']): TurnEnd {
  if (end.type === 'turn.completed')
    return { status: 'completed', result: end.data.result as Json, writes: end.data.writes as Json }
  const { code, message } = end.data.error
  return { status: 'threw', error: { code, message } }
}

function replayedEnd(end: NonNullable<Course['end']>): TurnEnd {
  if (end.t === 'completed')
    return { status: 'completed', result: (end.result ?? null) as Json, writes: end.writes as Json }
  const { name, message, code = 'TURN_FAILED' } = end.error
  return {
    status: 'threw',
    error: { code, message: name !== undefined && name !== 'Error' ? `${name}: ${message}` : message },
  }
}
