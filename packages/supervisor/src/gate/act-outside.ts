import { hash } from 'node:crypto'
import {
  type Amounts,
  type CallInput,
  type CallKind,
  faultPoint,
  type JournalStore,
  type Outcome,
  recordClass,
  VigilError,
} from '@vigil/protocol'
import type { CallSite, OutsideEffect } from './effect.ts'
import { type Flight, type Flights, inDoubt, refused } from './flight.ts'

/** decide -> intend, durably -> act -> record the outcome. What was intended before a crash is acted again if it may be, else it is in doubt. */
export async function actOutside<K extends CallKind>(
  flight: Flight,
  input: CallInput<K>,
  { effect, flights, journal }: { effect: OutsideEffect<K>; flights: Flights; journal: JournalStore },
): Promise<void> {
  const rerun = effect.rerun(input)
  const before = flight.turn.effects.get(flight.key)
  const end = (
    outcome: Outcome,
    { guarded = false, spent }: { guarded?: boolean; spent?: Amounts | undefined } = {},
  ): void => {
    const isInDoubt = !outcome.ok && outcome.error.code === 'EFFECT_IN_DOUBT'
    const parks = isInDoubt && effect.parks?.(flight, input) === true
    flights.complete(flight, outcome, { rerun, guarded, parks, spent, beside: effect.beside?.(flight, outcome) })
  }
  if (before !== undefined && !before.repeatable) return end(refused(inDoubt(before)))
  try {
    if (before === undefined && effect.ready !== undefined) {
      await effect.ready(flight, input)
      assertOpen(flight)
    }
    effect.decide(flight, input)
  } catch (error) {
    // The guest saw this refusal, so its replay has to see it too, whatever the manifest says by then.
    return end(refused(error))
  }
  return flights.governed(flight, { input, rerun }, async (granted, reserved) => {
    const key = effect.keyed(granted) ? (before?.idempotencyKey ?? idempotencyKeyOf(flight)) : undefined
    if (before === undefined) {
      const intent = { input: effect.intent(flight, granted), repeatable: effect.repeatable(granted, flight) }
      await journal.durable(flights.intend(flight, { ...intent, idempotencyKey: key, reserved }))
    }
    // Begun before a crash: what is paid for is paid for again.
    else if (effect.isPaidOnce?.(flight, granted) !== true && !(await flights.again(flight, rerun))) return
    faultPoint('effect.before_act')
    const outcome = await outcomeOf(effect.act(flight, granted, key))
    faultPoint('effect.acted')
    const guarded = recordClass(flight.kind, granted as { method?: string }) === 'guarded'
    end(outcome, { guarded, spent: effect.spent?.(outcome) })
  })
}

/** Meanwhile it may have ended, and then nothing is begun for it. */
function assertOpen({ process, turn }: CallSite): void {
  if (process.turns.get(turn.turn) !== turn) throw new VigilError('ABORTED', `turn ${turn.turn} is not open`)
}

export async function outcomeOf(act: Promise<unknown>): Promise<Outcome> {
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
