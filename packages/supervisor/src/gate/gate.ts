import {
  type CallInput,
  type CallKind,
  type Clock,
  callSchemas,
  limits,
  VigilError,
  waitingKinds,
} from '@vigil/protocol'
import { waitLeft } from '../delivery/wait-left.ts'
import type { EffectFold } from '../fold/process-fold.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import { actOutside, outcomeOf } from './act-outside.ts'
import type { Decider } from './decide.ts'
import type { CallSite, InsideEffect, OutsideEffect, ReadEffect, WaitingEffect } from './effect.ts'
import { type Flight, flights, type GateReply, type GateWait } from './flight.ts'
import { guestWork } from './guest-work.ts'

/**
 * The one door to the world: decide -> intend (journal) -> act -> record the outcome (journal) -> reply. An
 * effect belongs to (turn, step key) and not to the guest that asked: when the guest dies it runs on, its outcome
 * is recorded, and the next life gets it from the record. Nothing here knows guests, cells or wires.
 */
export interface Gate {
  /** Answers a call from the record, joins it if it is under way, or makes it; or says that people are asked first. Never rejects. */
  call(request: GateRequest): Promise<GateReply | GateWait>
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

export interface EffectTable {
  readonly outside: {
    readonly [K in
      | 'model.generate'
      | 'model.embed'
      | 'fetch'
      | 'file.read'
      | 'file.list'
      | 'file.write'
      | 'server.tool']: OutsideEffect<K>
  }
  readonly inside: { readonly [K in 'publish' | 'send' | 'memory.store' | 'memory.forget']: InsideEffect<K> }
  readonly reads: { readonly [K in 'memory.search']: ReadEffect<K> }
  readonly waiting: { readonly [K in 'monitor' | 'request' | 'approve' | 'ask_human']: WaitingEffect<K> }
}

export interface GateParts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly effects: EffectTable
  /** A text holds no secret. */
  readonly isClean?: (text: string) => boolean
  /** Asked in order about each call that is not on record. */
  readonly deciders: readonly Decider[]
}

export function createGate({ log, clock, effects, deciders, isClean = () => true }: GateParts): Gate {
  const inFlight = new Map<string, Promise<GateReply | GateWait>>()
  const busy = new Map<string, number>()
  const made = flights(log, clock, deciders)
  const { complete, governed, intend, land, nowIso, refusal } = made
  const work = guestWork(made)

  function outside<K extends keyof EffectTable['outside']>(flight: Flight, input: CallInput<K>): Promise<void> {
    const effect = effects.outside[flight.kind as K] as OutsideEffect<K>
    return actOutside(flight, input, { effect, flights: made, journal: log.journal })
  }

  function inside<K extends keyof EffectTable['inside']>(flight: Flight, input: CallInput<K>): Promise<void> | void {
    const effect = effects.inside[flight.kind as K] as InsideEffect<K>
    return governed(flight, { input }, (granted) => {
      const record = made.enter(flight, () => effect.record(flight, granted))
      if (record === undefined) return
      const settled = flight.turn.effects.get(flight.key)
      const reply = { at: settled?.at ?? nowIso(), outcome: settled?.outcome ?? { ok: true as const, value: null } }
      const leave = (): void => land(flight, record.seq, reply)
      return effect.after === undefined ? leave() : effect.after(flight, record).then(leave, leave)
    })
  }

  function reading<K extends keyof EffectTable['reads']>(flight: Flight, input: CallInput<K>): Promise<void> | void {
    const effect = effects.reads[flight.kind as K] as ReadEffect<K>
    return governed(flight, { input, rerun: true }, async (granted) => {
      const prepared = await outcomeOf(effect.prepare(flight, granted))
      const outcome = prepared.ok
        ? { ok: true as const, value: effect.read(flight, granted, prepared.value) }
        : prepared
      complete(flight, outcome, { rerun: true })
    })
  }

  /** What is waited for is the intent: after a crash it is waited for again. */
  function waiting<K extends keyof EffectTable['waiting']>(flight: Flight, input: CallInput<K>): Promise<void> | void {
    const effect: WaitingEffect<K> = effects.waiting[flight.kind as K]
    const isKnown = flight.turn.effects.has(flight.key)
    return governed(flight, { input }, async (granted) => {
      if (!isKnown && made.enter(flight, () => effect.record(flight, granted)) === undefined) return
      const { outcome, at } = await effect.wait(flight, flight.turn.effects.get(flight.key)?.input)
      if (at === undefined) complete(flight, outcome)
      else land(flight, undefined, { at, outcome })
    })
  }

  /** The deadline is the intent: after a crash only what is left of it is waited. */
  function sleep(flight: Flight, input: CallInput<'sleep'>): void {
    const before = flight.turn.effects.get(flight.key)
    const deadline = (before?.input as { deadline: number } | undefined)?.deadline ?? clock.now() + input.ms
    if (before === undefined) intend(flight, { input: { deadline }, repeatable: true })
    const leftMs = waitLeft(deadline, input.ms, clock.now())
    clock.setTimer(leftMs, () => attempt(flight, () => complete(flight, { ok: true, value: null })))
  }

  function perform(flight: Flight, input: unknown): Promise<void> | void {
    switch (flight.kind) {
      case 'model.generate':
      case 'model.embed':
      case 'fetch':
      case 'file.read':
      case 'file.list':
      case 'file.write':
      case 'server.tool':
        return outside(flight, input as never)
      case 'publish':
      case 'send':
      case 'memory.store':
      case 'memory.forget':
        return inside(flight, input as never)
      case 'memory.search':
        return reading(flight, input as never)
      case 'monitor':
      case 'request':
      case 'approve':
      case 'ask_human':
        return waiting(flight, input as never)
      case 'sleep':
        return sleep(flight, input as CallInput<'sleep'>)
      case 'step':
        return work.step(flight, input as CallInput<'step'>)
      case 'tool':
        return work.tool(flight, input as CallInput<'tool'>)
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
  function take(site: CallSite, name: string, kind: CallKind, input: unknown): Promise<GateReply | GateWait> {
    const process = site.process.name
    const { promise, resolve } = Promise.withResolvers<GateReply | GateWait>()
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

  /** The key of a thought counts, and says nothing of what is asked. */
  const otherThought = (site: CallSite, kind: CallKind, input: unknown): unknown => {
    const checked = kind === 'model.generate' ? callSchemas[kind].safeParse(input) : undefined
    if (checked?.success !== true) return undefined
    try {
      effects.outside['model.generate'].decide(site, checked.data)
      return undefined
    } catch (error) {
      return error
    }
  }

  const answer = ({
    process: name,
    turn: id,
    key,
    kind,
    input,
  }: GateRequest): GateReply | Promise<GateReply | GateWait> => {
    const process = log.world.get(name)
    const turn = process?.turns.get(id)
    if (process === undefined || turn === undefined) return refusal(new VigilError('ABORTED', `turn ${id} is not open`))
    // Folds find it by its name, and so would whoever reads them: the name cannot be another one on record.
    if (!names(key, input).every(isClean)) return refusal(nameHoldsSecret(kind))
    const known = turn.effects.get(key)
    if (known !== undefined && known.kind !== kind) return refusal(diverged(known, kind))
    const other = known === undefined ? undefined : otherThought({ process, turn, key }, kind, input)
    if (other !== undefined) return refusal(other)
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

/** As the guest meant them: keys have a grammar of their own. */
const names = (key: string, input: unknown): string[] => {
  const { topic } = (input ?? {}) as { readonly topic?: unknown }
  const meant = key.replaceAll(/%(25|2f|23)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  return [key, meant, ...(typeof topic === 'string' ? [topic] : [])]
}

const nameHoldsSecret = (kind: string): VigilError =>
  new VigilError(
    'SECRET_DENIED',
    `the name of this ${kind} holds a secret, and names go on record: call it something else`,
  )

const diverged = (effect: EffectFold, kind: string): VigilError =>
  new VigilError(
    'TURN_DIVERGED',
    `the key ${effect.key} was recorded as ${effect.kind} and is now asked for as ${kind}`,
  )
