import { type CallInput, errorBody, limits, type Outcome, type ToolLeave, VigilError } from '@vigil/protocol'
import { leaveOf } from '../delivery/attempt.ts'
import type { EffectFold, ProcessFold } from '../fold/process-fold.ts'
import type { CallSite } from './effect.ts'
import { type Flight, type Flights, inDoubt, refused } from './flight.ts'
import { toolRules } from './tools/rules.ts'
import type { ToolCall } from './tools/tool-decider.ts'

/** Steps and tools run in the guest: it asks leave to begin what may begin only once, and reports what came of it. */
export interface GuestWork {
  step(flight: Flight, input: CallInput<'step'>): void
  tool(flight: Flight, input: CallInput<'tool'>): Promise<void> | void
}

export function guestWork({ complete, governed, intend, land, nowIso }: Flights): GuestWork {
  const leave = (flight: Flight, durable: number | undefined, value: unknown): void =>
    land(flight, durable, { at: nowIso(), outcome: { ok: true, value } })

  const beginStep = (flight: Flight, { idempotent: repeatable = false, reconcile }: CallInput<'step'>): void => {
    const before = flight.turn.effects.get(flight.key)
    const doubt = before !== undefined && !before.repeatable
    if (doubt && reconcile !== true) return complete(flight, refused(inDoubt(before)))
    const durable = before === undefined ? intend(flight, { input: null, repeatable }) : undefined
    leave(flight, durable, doubt ? { in_doubt: true } : null)
  }

  const beginTool = (flight: Flight, call: ToolCall): Promise<void> | void => {
    const before = flight.turn.effects.get(flight.key)
    if (before !== undefined) return beginAgain(flight, before)
    const bytes = Buffer.byteLength(JSON.stringify(call.input ?? null))
    if (bytes > limits.toolInputBytes) {
      const message = `the input of the tool "${call.name}" has ${bytes} bytes, at most ${limits.toolInputBytes} are taken`
      return complete(flight, refused(new VigilError('TOO_LARGE', message)))
    }
    return governed(flight, { input: call }, ({ name, input }, reserved) => {
      const { repeatable = false, timeoutMs } = toolRules(flight.process, name) ?? {}
      const granted: ToolLeave = { input: input ?? null, ...(timeoutMs === undefined ? {} : { timeout_ms: timeoutMs }) }
      const durable = intend(flight, { input: { name, ...granted }, repeatable, reserved })
      // From the record, as every later life gets it.
      const intended = flight.turn.effects.get(flight.key)
      leave(flight, durable, intended === undefined ? granted : leaveOf(intended))
    })
  }

  const beginAgain = (flight: Flight, before: EffectFold): void => {
    if (before.repeatable) return leave(flight, undefined, leaveOf(before))
    if (rulesOf(flight)?.reconcile === true) return leave(flight, undefined, { ...leaveOf(before), in_doubt: true })
    endTool(flight, refused(inDoubt(before)))
  }

  const endTool = (flight: Flight, outcome: Outcome): void => {
    const before = flight.turn.effects.get(flight.key)
    const irreversible = rulesOf(flight)?.irreversible === true
    const code = outcome.ok ? undefined : outcome.error.code
    // The guest need not know that the manifest calls it irreversible.
    const isLate = irreversible && code === 'TOOL_TIMEOUT' && before !== undefined
    const end = isLate ? refused(inDoubt(before)) : outcome
    complete(flight, end, { guarded: irreversible, parks: irreversible && (isLate || code === 'EFFECT_IN_DOUBT') })
  }

  return {
    step(flight, input) {
      if (input.intend === true) return beginStep(flight, input)
      complete(flight, reported(input, 'STEP_FAILED'))
    },
    tool(flight, input) {
      if ('begin' in input) return beginTool(flight, input)
      // Nothing is told of what was never allowed to begin.
      if (!flight.turn.effects.has(flight.key)) throw new VigilError('INVALID_STATE', `${flight.key} has not begun`)
      endTool(flight, reported(input, 'TOOL_FAILED'))
    },
  }
}

const reported = (
  { outcome, error }: { readonly outcome?: unknown; readonly error?: unknown },
  fallback: 'STEP_FAILED' | 'TOOL_FAILED',
): Outcome =>
  error === undefined ? { ok: true, value: outcome ?? null } : { ok: false, error: errorBody(error, fallback) }

const rulesOf = ({ process, turn, key }: CallSite) =>
  toolRules(process, (turn.effects.get(key)?.input as { readonly name: string } | undefined)?.name ?? '')

/**
 * Whether this call asks leave to begin something in the guest: that is to begin only `once`, since it may not begin again or costs
 * money again, or `again`.
 */
export function begins(
  process: ProcessFold,
  { kind, input }: { readonly kind: string; readonly input?: unknown },
): 'once' | 'again' | undefined {
  const { intend, begin, name = '' } = (input ?? {}) as { intend?: unknown; begin?: unknown; name?: string }
  if (kind === 'step') return intend === true ? 'once' : undefined
  if (kind !== 'tool' || begin !== true) return undefined
  const rules = toolRules(process, name)
  if (rules === undefined) return 'again'
  return !rules.repeatable || (rules.cost > 0 && !rules.idempotent) ? 'once' : 'again'
}
