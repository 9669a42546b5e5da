import { hash } from 'node:crypto'
import {
  type CallInput,
  type Clock,
  type JournalRecord,
  limits,
  type ProcessName,
  type Random,
  type RecordData,
  type RecordDraft,
  VigilError,
} from '@vigil/protocol'
import type { World } from '../../fold/world.ts'
import type { Manifest } from '../../manifests/manifest.ts'
import { answerProblem } from '../../requests/answer.ts'
import { schemaProblem } from '../../triggers/message-schema.ts'
import type { CallSite, WaitEnd, WaitingEffect } from '../effect.ts'
import { isoOf } from './messages.ts'

/** What is asked, as people see it. */
type Asked = Pick<RecordData<'request.opened'>, 'call' | 'kind' | 'asked' | 'timeout_ms' | 'on_timeout'>

export interface PeopleEffects {
  readonly approve: WaitingEffect<'approve'>
  readonly ask_human: WaitingEffect<'ask_human'>
  /** Told of each durable record: a decision ends a wait, and so does the end of the turn. */
  heard(record: JournalRecord): void
}

interface Waiter {
  readonly settle: (end: WaitEnd) => void
  readonly abort: (error: VigilError) => void
}

/** `ctx.approve` and `ctx.askHuman`: the record that opens the request begins the wait, and the one that ends it holds the outcome. */
export function peopleEffects(parts: {
  readonly world: World
  readonly clock: Clock
  readonly random: Random
}): PeopleEffects {
  const { world } = parts
  /** By the turn that asks, then by key. */
  const waits = new Map<string, Map<string, Waiter>>()

  const wait = ({ process, turn, key }: CallSite): Promise<WaitEnd> => {
    const { outcome, at = '' } = turn.effects.get(key) ?? {}
    if (outcome !== undefined) return Promise.resolve({ outcome, at })
    return new Promise((settle, abort) => {
      const ofTurn = waits.getOrInsertComputed(nameOf(process.name, turn.turn), () => new Map<string, Waiter>())
      ofTurn.set(key, { settle, abort })
    })
  }

  return {
    approve: { record: (site, input) => openedRecord(parts, site, approvalOf(input, site.process.manifest)), wait },
    ask_human: {
      record: (site, input) => openedRecord(parts, site, questionOf(input, site.process.manifest)),
      wait,
    },
    heard({ process, turn, at, type, data }) {
      if (turn === undefined || waits.size === 0) return
      const name = nameOf(process, turn)
      const ofTurn = waits.get(name)
      if (ofTurn === undefined) return
      if ((type === 'request.decided' || type === 'request.expired') && data.outcome !== undefined) {
        ofTurn.get(data.key)?.settle({ outcome: data.outcome, at })
        ofTurn.delete(data.key)
      } else if (world.get(process)?.turns.has(turn) !== true) {
        for (const { abort } of ofTurn.values()) abort(new VigilError('ABORTED', `turn ${turn} is over`))
        ofTurn.clear()
      }
      if (ofTurn.size === 0) waits.delete(name)
    },
  }
}

/** One event may be handled by several processes, each in a turn of the same id. */
const nameOf = (process: string, turn: string): string => `${process} ${turn}`

const defaultTimeoutMs = 3_600_000

const approvalOf = (
  { action, details, timeout_ms, on_timeout }: CallInput<'approve'>,
  { approval }: Pick<Manifest, 'approval'>,
): Asked => ({
  call: 'approve',
  kind: 'approval',
  asked: { action, ...(details === undefined ? {} : { details }) },
  timeout_ms: timeout_ms ?? approval?.timeoutMs ?? defaultTimeoutMs,
  on_timeout: on_timeout ?? approval?.onTimeout ?? 'deny',
})

/** @throws INVALID_ARGUMENT when no answer could be given, or the default is none */
function questionOf({ timeout_ms, ...asked }: CallInput<'ask_human'>, { approval }: Pick<Manifest, 'approval'>): Asked {
  const problem = asked.schema === undefined ? undefined : schemaProblem(asked.schema)
  if (problem !== undefined) throw new VigilError('INVALID_ARGUMENT', `schema: ${problem.message}`)
  const misfit = asked.default === undefined ? undefined : answerProblem(asked, asked.default)
  if (misfit !== undefined) throw new VigilError('INVALID_ARGUMENT', `default: ${misfit}`)
  return {
    call: 'ask_human',
    kind: 'question',
    asked,
    timeout_ms: timeout_ms ?? approval?.timeoutMs ?? defaultTimeoutMs,
    on_timeout: asked.default === undefined ? 'reject' : 'default',
  }
}

/** @throws TOO_LARGE · REQUESTS_FULL */
function openedRecord(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  { process, turn, key }: CallSite,
  { call, kind, asked, timeout_ms, on_timeout }: Asked,
): RecordDraft {
  const text = JSON.stringify(asked)
  const bytes = Buffer.byteLength(text)
  if (bytes > limits.requestBytes)
    throw new VigilError('TOO_LARGE', `expected a request of at most ${limits.requestBytes} bytes, found ${bytes}`)
  if (process.requests.size >= limits.openRequests) {
    const message = `"${process.name}" has ${process.requests.size} requests that nobody has decided, and no more are taken`
    throw new VigilError('REQUESTS_FULL', message)
  }
  const id = random.uuid().replaceAll('-', '').slice(0, 12)
  const input_hash = hash('sha256', text)
  const deadline = isoOf(clock.now() + timeout_ms)
  const data = { id, key, call, kind, asked, input_hash, deadline, timeout_ms, on_timeout }
  return { process: process.name as ProcessName, epoch: process.epoch, type: 'request.opened', turn: turn.turn, data }
}
