import { type Amounts, minus, plus } from '@vigil/governance'
import type { JournalRecord } from '@vigil/protocol'
import { amountsOf } from './budget-status.ts'
import type { CallSpend, TurnSpend } from './budget-surface.ts'

interface Call {
  readonly key: string
  readonly kind: string
  readonly input: unknown
  readonly at: string
  spent: Amounts
  reserved: Amounts
}

/** Adds up what the records of one turn say, told in their order. */
export function turnTally() {
  const calls = new Map<string, Call>()
  const settle = (call: Call | undefined, released: Amounts, spent: Amounts): void => {
    if (call === undefined) return
    call.reserved = minus(call.reserved, released)
    call.spent = plus(call.spent, spent)
  }
  return {
    add({ type, data, at }: JournalRecord): void {
      if (type === 'effect.intended') {
        const { key, kind, input, reserved } = data
        if (reserved === undefined) return
        const call = calls.getOrInsertComputed(key, () => ({ key, kind, input, at, spent: {}, reserved: {} }))
        call.reserved = plus(call.reserved, reserved)
      } else if (type === 'effect.completed') {
        const { spent = {}, released = spent } = data
        settle(calls.get(data.key), released, spent)
      } else if (type === 'effect.repeated') settle(calls.get(data.key), {}, data.reserved)
      else if (type === 'budget.charged') for (const call of calls.values()) settle(call, call.reserved, call.reserved)
      else if (type === 'doubt.resolved') {
        const call = calls.get(data.key)
        if (call !== undefined) call.spent = minus(call.spent, data.refunded ?? {})
      }
    },
    told(): Pick<TurnSpend, 'spent' | 'reserved' | 'calls'> {
      const all = [...calls.values()]
      const sum = (of: 'spent' | 'reserved') =>
        amountsOf(all.reduce<Amounts>((total, call) => plus(total, call[of]), {}))
      return { spent: sum('spent'), reserved: sum('reserved'), calls: all.map(callSpend) }
    },
  }
}

function callSpend({ key, kind, input, at, spent, reserved }: Call): CallSpend {
  const { name, model } = (input ?? {}) as { readonly name?: unknown; readonly model?: unknown }
  const tool = (kind === 'tool' || kind === 'server.tool') && typeof name === 'string' ? { tool: name } : {}
  const asked = kind.startsWith('model.') && typeof model === 'string' ? { model } : {}
  return { key, kind, ...tool, ...asked, at, spent: amountsOf(spent), reserved: amountsOf(reserved) }
}
