import { errorBody, errorCode, type JournalRecord, type Outcome, VigilError } from '@vigil/protocol'
import type { Results } from '../../delivery/results.ts'
import { waitLeft } from '../../delivery/wait-left.ts'
import type { TurnResult } from '../../surface.ts'
import type { WaitingEffect } from '../effect.ts'
import { isoOf, type MessageParts, messageRecord } from './messages.ts'

/** The effect of a request as its fold keeps it: whose turn is waited for, and until when. */
interface Asked {
  readonly process: string
  readonly event_id: string
  readonly deadline: string
  readonly timeout_ms: number
}

export interface Requests {
  readonly effect: WaitingEffect<'request'>
  /** Told of each durable record: who is over asks nothing any more. */
  heard(record: JournalRecord): void
}

/**
 * `ctx.request`: a message whose sender waits for the result of the receiver's turn. One record delivers it and begins the
 * wait; how the turn ended is found in the journal, whoever died meanwhile.
 */
export function requests(parts: MessageParts & { readonly results: Results }): Requests {
  const { world, clock, results } = parts
  /** By the turn that asks. */
  const waits = new Map<string, Set<AbortController>>()

  const outcomeOf = async (asked: Asked, signal: AbortSignal): Promise<Outcome> => {
    const { process, event_id, deadline, timeout_ms } = asked
    const timeout = waitLeft(Date.parse(deadline), timeout_ms, clock.now())
    try {
      return replied(asked, await results.of(process, event_id, { timeout, signal }))
    } catch (error) {
      switch (errorCode(error)) {
        case 'WAIT_TIMEOUT':
          return refused(
            'REQUEST_TIMEOUT',
            `"${process}" gave no result within ${timeout_ms} ms${whyNot(process)}`,
            asked,
          )
        case 'BODY_GONE':
          return refused('REQUEST_FAILED', `"${process}" answered, and its result is not kept any more`, asked)
        case 'PROCESS_NOT_FOUND':
        case 'INVALID_ARGUMENT':
          return refused('REQUEST_FAILED', `"${process}" was removed before it answered`, asked)
        default:
          throw error
      }
    }
  }

  const whyNot = (name: string): string => {
    const process = world.get(name)
    if (process?.parked !== undefined) return ': it is failed'
    return process === undefined || process.desired === 'running' ? '' : `: it is ${process.desired}`
  }

  return {
    effect: {
      record(site, input) {
        const deadline = isoOf(clock.now() + input.timeout_ms)
        const request = { deadline, timeout_ms: input.timeout_ms }
        return messageRecord(parts, site, input, { expires_at: deadline, request })
      },
      async wait({ process, turn }, intent) {
        const asker = nameOf(process.name, turn.turn)
        const over = new AbortController()
        const open = waits.getOrInsertComputed(asker, () => new Set())
        open.add(over)
        try {
          return { outcome: await outcomeOf(intent as Asked, over.signal) }
        } finally {
          open.delete(over)
          if (open.size === 0) waits.delete(asker)
        }
      },
    },
    heard({ process, turn }) {
      if (turn === undefined || waits.size === 0 || world.get(process)?.turns.has(turn) === true) return
      for (const wait of waits.get(nameOf(process, turn)) ?? []) wait.abort()
    },
  }
}

/** One event may be handled by several processes, each in a turn of the same id. */
const nameOf = (process: string, turn: string): string => `${process} ${turn}`

function replied(asked: Asked, end: TurnResult): Outcome {
  if (end.status === 'completed') return { ok: true, value: end.result }
  if (end.status === 'cancelled' && end.reason === 'expired')
    return refused('REQUEST_TIMEOUT', `"${asked.process}" did not begin it within ${asked.timeout_ms} ms`, asked)
  const { code, message } = end.status === 'cancelled' ? { code: 'TURN_CANCELLED', message: end.reason } : end.error
  return refused('REQUEST_FAILED', `the turn of "${asked.process}" ended with ${code}: ${message}`, asked, {
    code,
    message,
  })
}

function refused(
  code: 'REQUEST_FAILED' | 'REQUEST_TIMEOUT',
  message: string,
  { process, event_id }: Asked,
  error?: { readonly code: string; readonly message: string },
): Outcome {
  const details = { process, event_id, ...(error === undefined ? {} : { error }) }
  return { ok: false, error: errorBody(new VigilError(code, message, { details })) }
}
