import { createHash } from 'node:crypto'
import {
  type CallInput,
  type CallKind,
  type Clock,
  callSchemas,
  errorBody,
  type Outcome,
  type ProcessName,
  recordClass,
  VigilError,
} from '@vigil/protocol'
import type { EffectFold } from '../fold/process-fold.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { CallSite, InsideEffect, OutsideEffect } from './effect.ts'

/**
 * The one door to the world: decide -> intend (journal) -> act -> record the outcome (journal) -> reply. An
 * effect belongs to (turn, step key) and not to the guest that asked: when the guest dies it runs on, its outcome
 * is recorded, and the next life gets it from the record. Nothing here knows guests, cells or wires.
 */
export interface Gate {
  /** Answers a call from the record, joins it if it is under way, or makes it. Never rejects. */
  call(request: GateRequest): Promise<GateReply>
  inFlight(turn: string, key: string): boolean
  /** Effects of a process that ring 0 is working on now. */
  busy(process: string): number
}

export interface GateRequest {
  readonly process: string
  readonly turn: string
  readonly key: string
  readonly kind: CallKind
  readonly input: unknown
}

export interface GateReply {
  /** ISO wall time of the outcome: where the guest's clock stands now. */
  readonly at: string
  readonly outcome: Outcome
}

export interface EffectTable {
  readonly outside: { readonly [K in 'fetch' | 'file.read' | 'file.list' | 'file.write']: OutsideEffect<K> }
  readonly inside: { readonly [K in 'publish' | 'send']: InsideEffect<K> }
}

const refused = (error: unknown): Outcome => ({ ok: false, error: errorBody(error) })

export function createGate(log: RecordLog, clock: Clock, effects: EffectTable): Gate {
  const inFlight = new Map<string, Promise<GateReply>>()
  const busy = new Map<string, number>()
  const nowIso = (): string => new Date(clock.now()).toISOString()

  const complete = (site: CallSite, kind: CallKind, outcome: Outcome, rerun: boolean, urgency: 'durable' | 'lazy') => {
    const [record] = log.commit(
      [draft(site, 'effect.completed', { key: site.key, kind, outcome, ...(rerun ? { rerun } : {}) })],
      urgency,
    )
    return { seq: record?.seq ?? 0, reply: { at: record?.at ?? nowIso(), outcome } }
  }

  const intend = async (
    site: CallSite,
    kind: CallKind,
    input: unknown,
    repeatable: boolean,
    idempotencyKey?: string,
  ): Promise<void> => {
    const key = idempotencyKey === undefined ? {} : { idempotency_key: idempotencyKey }
    const [record] = log.commit([draft(site, 'effect.intended', { key: site.key, kind, input, repeatable, ...key })])
    await log.journal.durable(record?.seq ?? 0)
  }

  async function outside<K extends keyof EffectTable['outside']>(
    site: CallSite,
    kind: K,
    input: CallInput<K>,
  ): Promise<GateReply> {
    const effect = effects.outside[kind] as OutsideEffect<K>
    const rerun = effect.rerun(input)
    const before = site.turn.effects.get(site.key)
    if (before !== undefined && !before.repeatable) return { at: nowIso(), outcome: refused(inDoubt(before)) }
    try {
      effect.decide(site, input)
    } catch (error) {
      // The guest saw this refusal, so its replay has to see it too, whatever the manifest says by then.
      return complete(site, kind, refused(error), rerun, 'lazy').reply
    }
    const idempotencyKey = effect.keyed(input) ? (before?.idempotencyKey ?? idempotencyKeyOf(site)) : undefined
    if (before === undefined)
      await intend(site, kind, effect.intent(site, input), effect.repeatable(input), idempotencyKey)
    const outcome = await outcomeOf(effect.act(site, input, idempotencyKey))
    const guarded = recordClass(kind, input as { method?: string }) === 'guarded'
    const { seq, reply } = complete(site, kind, outcome, rerun, guarded ? 'durable' : 'lazy')
    if (guarded) await log.journal.durable(seq)
    return reply
  }

  async function inside<K extends keyof EffectTable['inside']>(
    site: CallSite,
    kind: K,
    input: CallInput<K>,
  ): Promise<GateReply> {
    const [record] = log.commit([(effects.inside[kind] as InsideEffect<K>).record(site, input)])
    await log.journal.durable(record?.seq ?? 0)
    const settled = site.turn.effects.get(site.key)
    return { at: settled?.at ?? nowIso(), outcome: settled?.outcome ?? { ok: true, value: null } }
  }

  /** The deadline is the intent: after a crash only what is left of it is waited. */
  async function sleep(site: CallSite, input: CallInput<'sleep'>): Promise<GateReply> {
    const before = site.turn.effects.get(site.key)
    const deadline = (before?.input as { deadline: number } | undefined)?.deadline ?? clock.now() + input.ms
    if (before === undefined) {
      log.commit([
        draft(site, 'effect.intended', { key: site.key, kind: 'sleep', input: { deadline }, repeatable: true }),
      ])
    }
    await new Promise<void>((resolve) => clock.setTimer(deadline - clock.now(), resolve))
    return complete(site, 'sleep', { ok: true, value: null }, false, 'lazy').reply
  }

  async function step(site: CallSite, input: CallInput<'step'>): Promise<GateReply> {
    if (input.intend === true) {
      const before = site.turn.effects.get(site.key)
      if (before === undefined) await intend(site, 'step', null, input.idempotent ?? false)
      else if (!before.repeatable) return { at: nowIso(), outcome: refused(inDoubt(before)) }
      return { at: nowIso(), outcome: { ok: true, value: null } }
    }
    const outcome: Outcome =
      input.error === undefined
        ? { ok: true, value: input.outcome ?? null }
        : { ok: false, error: errorBody(input.error, 'STEP_FAILED') }
    return complete(site, 'step', outcome, false, 'lazy').reply
  }

  function perform(site: CallSite, kind: CallKind, input: unknown): Promise<GateReply> {
    switch (kind) {
      case 'fetch':
      case 'file.read':
      case 'file.list':
      case 'file.write':
        return outside(site, kind, input as never)
      case 'publish':
      case 'send':
        return inside(site, kind, input as never)
      case 'sleep':
        return sleep(site, input as CallInput<'sleep'>)
      case 'step':
        return step(site, input as CallInput<'step'>)
      case 'state.history': {
        const value = site.process.stateHistory.get((input as CallInput<'state.history'>).key) ?? []
        return Promise.resolve(complete(site, kind, { ok: true, value }, true, 'lazy').reply)
      }
    }
  }

  /** Runs an effect to its end, whatever becomes of the guest that asked for it. */
  async function fly(site: CallSite, flight: string, kind: CallKind, input: unknown): Promise<GateReply> {
    const { name } = site.process
    busy.set(name, (busy.get(name) ?? 0) + 1)
    try {
      return await perform(site, kind, input)
    } catch (error) {
      return { at: nowIso(), outcome: refused(error) }
    } finally {
      inFlight.delete(flight)
      busy.set(name, (busy.get(name) ?? 1) - 1)
    }
  }

  return {
    call(request) {
      const process = log.world.get(request.process)
      const turn = process?.turns.get(request.turn)
      if (process === undefined || turn === undefined) {
        return Promise.resolve({
          at: nowIso(),
          outcome: refused(new VigilError('ABORTED', `turn ${request.turn} is not open`)),
        })
      }
      const site: CallSite = { process, turn, key: request.key }
      const known = turn.effects.get(request.key)
      if (known !== undefined && known.kind !== request.kind)
        return Promise.resolve({ at: nowIso(), outcome: refused(diverged(known, request.kind)) })
      if (known?.outcome !== undefined) return Promise.resolve({ at: known.at, outcome: known.outcome })
      const flight = `${request.turn} ${request.key}`
      const under = inFlight.get(flight)
      if (under !== undefined) return under
      const input = callSchemas[request.kind].safeParse(request.input)
      if (!input.success) {
        return Promise.resolve({
          at: nowIso(),
          outcome: refused(new VigilError('INVALID_ARGUMENT', `${request.kind}: ${input.error.message}`)),
        })
      }
      const landed = fly(site, flight, request.kind, input.data)
      inFlight.set(flight, landed)
      return landed
    },
    inFlight: (turn, key) => inFlight.has(`${turn} ${key}`),
    busy: (process) => busy.get(process) ?? 0,
  }
}

async function outcomeOf(act: Promise<unknown>): Promise<Outcome> {
  try {
    return { ok: true, value: (await act) ?? null }
  } catch (error) {
    return refused(error)
  }
}

/** A stable UUID-shaped key of (process, turn, step key): the other side sees the same one after a crash. */
function idempotencyKeyOf(site: CallSite): string {
  const hex = createHash('sha256').update(`${site.process.name}\n${site.turn.turn}\n${site.key}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function draft<T extends 'effect.intended' | 'effect.completed'>(site: CallSite, type: T, data: unknown) {
  return {
    process: site.process.name as ProcessName,
    epoch: site.process.epoch,
    type,
    turn: site.turn.turn,
    data,
  } as never
}

const inDoubt = (effect: EffectFold): VigilError =>
  new VigilError('EFFECT_IN_DOUBT', `${effect.kind} was begun at ${effect.at} and its outcome is unknown`, {
    details: { key: effect.key, input: effect.input },
  })

const diverged = (effect: EffectFold, kind: string): VigilError =>
  new VigilError(
    'TURN_DIVERGED',
    `the key ${effect.key} was recorded as ${effect.kind} and is now asked for as ${kind}`,
  )
