import { hash } from 'node:crypto'
import {
  type CallInput,
  type CallKind,
  type Clock,
  callSchemas,
  errorBody,
  faultPoint,
  type JournalRecord,
  limits,
  type Outcome,
  type ProcessName,
  type RecordData,
  type RecordDraft,
  recordClass,
  VigilError,
  waitingKinds,
} from '@vigil/protocol'
import { waitLeft } from '../delivery/wait-left.ts'
import type { EffectFold } from '../fold/process-fold.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import { type CallSite, type InsideEffect, intendedRecord, type OutsideEffect, type WaitingEffect } from './effect.ts'
import { replyOrder } from './reply-order.ts'

/**
 * The one door to the world: decide -> intend (journal) -> act -> record the outcome (journal) -> reply. An
 * effect belongs to (turn, step key) and not to the guest that asked: when the guest dies it runs on, its outcome
 * is recorded, and the next life gets it from the record. Nothing here knows guests, cells or wires.
 */
export interface Gate {
  /** Answers a call from the record, joins it if it is under way, or makes it. Never rejects. */
  call(request: GateRequest): Promise<GateReply>
  inFlight(turn: string, key: string): boolean
  /** Effects of a process that ring 0 is working on now; what only waits is no work. */
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
  readonly waiting: { readonly [K in 'monitor' | 'request']: WaitingEffect<K> }
}

const refused = (error: unknown): Outcome => ({ ok: false, error: errorBody(error) })

/** A call that is being made. `land` answers everyone who waits for it, and is called once. */
interface Flight extends CallSite {
  readonly kind: CallKind
  readonly land: (reply: GateReply) => void
}

export function createGate(log: RecordLog, clock: Clock, effects: EffectTable): Gate {
  const inFlight = new Map<string, Promise<GateReply>>()
  const busy = new Map<string, number>()
  const order = replyOrder(log.journal)
  const nowIso = (): string => new Date(clock.now()).toISOString()
  const refusal = (error: unknown): GateReply => ({ at: nowIso(), outcome: refused(error) })

  /** Lands in the order of records; `durable` is the record that must be on the disk before. */
  const land = (flight: Flight, durable: number | undefined, reply: GateReply): void =>
    order.leave(flight.turn.turn, durable, (failure) => {
      faultPoint('effect.before_reply')
      flight.land(failure === undefined ? reply : refusal(failure))
    })

  const complete = (flight: Flight, outcome: Outcome, { rerun = false, guarded = false } = {}): void => {
    const { key, kind } = flight
    const [record] = log.commit(
      [completedRecord(flight, { key, kind, outcome, ...(rerun ? { rerun } : {}) })],
      guarded ? 'durable' : 'lazy',
    )
    land(flight, guarded ? record?.seq : undefined, { at: record?.at ?? nowIso(), outcome })
  }

  /** The `seq` that has to be durable before the act. */
  const intend = (
    flight: Flight,
    { input, repeatable, idempotencyKey }: { input: unknown; repeatable: boolean; idempotencyKey?: string | undefined },
  ): number => {
    const { kind } = flight
    const [record] = log.commit([intendedRecord(flight, { kind, input, repeatable, idempotencyKey })])
    return record?.seq ?? 0
  }

  async function outside<K extends keyof EffectTable['outside']>(flight: Flight, input: CallInput<K>): Promise<void> {
    const effect = effects.outside[flight.kind as K] as OutsideEffect<K>
    const rerun = effect.rerun(input)
    const before = flight.turn.effects.get(flight.key)
    if (before !== undefined && !before.repeatable) return complete(flight, refused(inDoubt(before)))
    try {
      effect.decide(flight, input)
    } catch (error) {
      // The guest saw this refusal, so its replay has to see it too, whatever the manifest says by then.
      return complete(flight, refused(error), { rerun })
    }
    const idempotencyKey = effect.keyed(input) ? (before?.idempotencyKey ?? idempotencyKeyOf(flight)) : undefined
    if (before === undefined) {
      const repeatable = effect.repeatable(input)
      await log.journal.durable(intend(flight, { input: effect.intent(flight, input), repeatable, idempotencyKey }))
    }
    faultPoint('effect.before_act')
    const outcome = await outcomeOf(effect.act(flight, input, idempotencyKey))
    faultPoint('effect.acted')
    const guarded = recordClass(flight.kind, input as { method?: string }) === 'guarded'
    complete(flight, outcome, { rerun, guarded })
  }

  /** Puts on record what ring 0 does itself, or that it refused to: the guest saw that, so its replay has to see it too. */
  function enter<Input>(
    flight: Flight,
    effect: { record(site: CallSite, input: Input): RecordDraft },
    input: Input,
  ): JournalRecord | undefined {
    let record: RecordDraft
    try {
      record = effect.record(flight, input)
    } catch (error) {
      complete(flight, refused(error))
      return undefined
    }
    return log.commit([record])[0]
  }

  function inside<K extends keyof EffectTable['inside']>(flight: Flight, input: CallInput<K>): void {
    const record = enter(flight, effects.inside[flight.kind as K] as InsideEffect<K>, input)
    if (record === undefined) return
    const settled = flight.turn.effects.get(flight.key)
    const outcome = settled?.outcome ?? { ok: true, value: null }
    land(flight, record.seq, { at: settled?.at ?? nowIso(), outcome })
  }

  /** What is waited for is the intent: after a crash it is waited for again. */
  async function waiting<K extends keyof EffectTable['waiting']>(flight: Flight, input: CallInput<K>): Promise<void> {
    const effect: WaitingEffect<K> = effects.waiting[flight.kind as K]
    if (!flight.turn.effects.has(flight.key) && enter(flight, effect, input) === undefined) return
    complete(flight, await effect.wait(flight, flight.turn.effects.get(flight.key)?.input))
  }

  /** The deadline is the intent: after a crash only what is left of it is waited. */
  function sleep(flight: Flight, input: CallInput<'sleep'>): void {
    const before = flight.turn.effects.get(flight.key)
    const deadline = (before?.input as { deadline: number } | undefined)?.deadline ?? clock.now() + input.ms
    if (before === undefined) intend(flight, { input: { deadline }, repeatable: true })
    const leftMs = waitLeft(deadline, input.ms, clock.now())
    clock.setTimer(leftMs, () => attempt(flight, () => complete(flight, { ok: true, value: null })))
  }

  function step(flight: Flight, input: CallInput<'step'>): void {
    if (input.intend === true) return beginStep(flight, input)
    const outcome: Outcome =
      input.error === undefined
        ? { ok: true, value: input.outcome ?? null }
        : { ok: false, error: errorBody(input.error, 'STEP_FAILED') }
    complete(flight, outcome)
  }

  function beginStep(flight: Flight, { idempotent: repeatable = false, reconcile }: CallInput<'step'>): void {
    const before = flight.turn.effects.get(flight.key)
    const doubt = before !== undefined && !before.repeatable
    if (doubt && reconcile !== true) return complete(flight, refused(inDoubt(before)))
    const durable = before === undefined ? intend(flight, { input: null, repeatable }) : undefined
    land(flight, durable, { at: nowIso(), outcome: { ok: true, value: doubt ? { in_doubt: true } : null } })
  }

  function perform(flight: Flight, input: unknown): Promise<void> | void {
    switch (flight.kind) {
      case 'fetch':
      case 'file.read':
      case 'file.list':
      case 'file.write':
        return outside(flight, input as never)
      case 'publish':
      case 'send':
        return inside(flight, input as never)
      case 'monitor':
      case 'request':
        return waiting(flight, input as never)
      case 'sleep':
        return sleep(flight, input as CallInput<'sleep'>)
      case 'step':
        return step(flight, input as CallInput<'step'>)
      // What comes over it is on no record: whoever is tried again opens it anew.
      case 'channel':
        return complete(flight, { ok: true, value: null }, { rerun: true })
      case 'state.history': {
        const value = flight.process.stateHistory.get((input as CallInput<'state.history'>).key) ?? []
        return complete(flight, { ok: true, value }, { rerun: true })
      }
    }
  }

  /** What cannot be recorded is refused without a record: a replay asks again. */
  function attempt(flight: Flight, act: () => Promise<void> | void): void {
    const refuse = (error: unknown): void => flight.land(refusal(error))
    try {
      act()?.catch(refuse)
    } catch (error) {
      refuse(error)
    }
  }

  /** Makes the call, and lets it run to its end whatever becomes of the guest that asked for it. */
  function take(site: CallSite, name: string, kind: CallKind, input: unknown): Promise<GateReply> {
    const process = site.process.name
    const { promise, resolve } = Promise.withResolvers<GateReply>()
    inFlight.set(name, promise)
    const work = waitingKinds.has(kind) ? 0 : 1
    busy.set(process, (busy.get(process) ?? 0) + work)
    const flight: Flight = {
      process: site.process,
      turn: site.turn,
      key: site.key,
      kind,
      land(reply) {
        inFlight.delete(name)
        busy.set(process, (busy.get(process) ?? work) - work)
        resolve(reply)
      },
    }
    attempt(flight, () => perform(flight, input))
    return promise
  }

  const answer = ({ process: name, turn: id, key, kind, input }: GateRequest): GateReply | Promise<GateReply> => {
    const process = log.world.get(name)
    const turn = process?.turns.get(id)
    if (process === undefined || turn === undefined) return refusal(new VigilError('ABORTED', `turn ${id} is not open`))
    const known = turn.effects.get(key)
    if (known !== undefined && known.kind !== kind) return refusal(diverged(known, kind))
    const flight = `${id} ${key}`
    // Before the record is asked: an outcome can be on record and not yet on the disk.
    const under = inFlight.get(flight)
    if (under !== undefined) return under
    if (known?.outcome !== undefined) return { at: known.at, outcome: known.outcome }
    const checked = callSchemas[kind].safeParse(input)
    if (!checked.success) return refusal(new VigilError('INVALID_ARGUMENT', `${kind}: ${checked.error.message}`))
    if (known === undefined && turn.effects.size >= limits.turnEffects)
      return refusal(new VigilError('TOO_MANY_EFFECTS', `turn ${id} has ${limits.turnEffects} effects on record`))
    return take({ process, turn, key }, flight, kind, checked.data)
  }

  return {
    call: (request) => Promise.resolve(answer(request)),
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
  // The tries of a step do the same thing: the other side has to see that they are one.
  const key = site.key.replaceAll(/\/try:\d+(?=\/)/g, '')
  const hex = hash('sha256', `${site.process.name}\n${site.turn.turn}\n${key}`)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function completedRecord({ process, turn }: CallSite, data: RecordData<'effect.completed'>): RecordDraft {
  return { process: process.name as ProcessName, epoch: process.epoch, type: 'effect.completed', turn: turn.turn, data }
}

const inDoubt = (effect: EffectFold): VigilError =>
  // Recorded like any outcome: given without a record it would come at another place in the next replay.
  new VigilError('EFFECT_IN_DOUBT', `${effect.kind} was begun at ${effect.at} and its outcome is unknown`, {
    details: { key: effect.key, input: effect.input },
  })

const diverged = (effect: EffectFold, kind: string): VigilError =>
  new VigilError(
    'TURN_DIVERGED',
    `the key ${effect.key} was recorded as ${effect.kind} and is now asked for as ${kind}`,
  )
