import { type CallInput, type Clock, type JournalRecord, type Random, VigilError } from '@vigil/protocol'
import type { World } from '../../fold/world.ts'
import type { Manifest } from '../../manifests/manifest.ts'
import { answerProblem, formProblem } from '../../requests/answer.ts'
import { type Asked, approvalPolicy, openedRecord } from '../../requests/opened.ts'
import type { CallSite, WaitEnd, WaitingEffect } from '../effect.ts'

export interface PeopleEffects {
  readonly approve: WaitingEffect<'approve'>
  readonly ask_human: WaitingEffect<'ask_human'>
  /** Resolves when people have spoken about what stands under the key, or its turn is over. */
  spoken(site: CallSite): Promise<void>
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
    async spoken(site) {
      await wait(site).catch(() => undefined)
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

const approvalOf = (
  { action, details, timeout_ms, on_timeout }: CallInput<'approve'>,
  manifest: Pick<Manifest, 'approval'>,
): Asked => {
  const policy = approvalPolicy(manifest)
  return {
    call: 'approve',
    kind: 'approval',
    asked: { action, ...(details === undefined ? {} : { details }) },
    timeout_ms: timeout_ms ?? policy.timeout_ms,
    on_timeout: on_timeout ?? policy.on_timeout,
  }
}

/** @throws INVALID_ARGUMENT when no answer could be given, or the default is none */
function questionOf({ timeout_ms, ...asked }: CallInput<'ask_human'>, manifest: Pick<Manifest, 'approval'>): Asked {
  const problem = formProblem(asked)
  if (problem !== undefined) throw new VigilError('INVALID_ARGUMENT', `schema: ${problem}`)
  const misfit = asked.default === undefined ? undefined : answerProblem(asked, asked.default)
  if (misfit !== undefined) throw new VigilError('INVALID_ARGUMENT', `default: ${misfit}`)
  return {
    call: 'ask_human',
    kind: 'question',
    asked,
    timeout_ms: timeout_ms ?? approvalPolicy(manifest).timeout_ms,
    on_timeout: asked.default === undefined ? 'reject' : 'default',
  }
}
