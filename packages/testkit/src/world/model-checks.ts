import type { JournalRecord } from '@vigil/protocol'
import type { BilledCall } from '../simulated-language-model.ts'

/**
 * What providers send a bill for was intended before, each time; what is recorded as said was said; and no more tokens are billed than
 * the purses were charged for or still hold.
 */
export function modelViolations(log: readonly JournalRecord[], billed: readonly BilledCall[]): string[] {
  const tally = { made: 0, said: 0, tokens: 0 }
  /** By process, turn and key: tokens that are held for a call of which nothing is known yet. */
  const open = new Map<string, number>()
  for (const record of log) add(tally, open, record)
  const held = [...open.values()].reduce((sum, tokens) => sum + tokens, 0)
  const used = billed.reduce((sum, { usage }) => sum + usage.input + usage.output, 0)
  return [
    ...(billed.length > tally.made
      ? [`${billed.length} calls of models are billed, and ${tally.made} were intended`]
      : []),
    ...(billed.length < tally.said ? [`${tally.said} models are recorded as heard, and ${billed.length} were`] : []),
    ...(used > tally.tokens + held ? [`${used} tokens are billed, and ${tally.tokens} are paid and ${held} held`] : []),
  ]
}

interface Tally {
  made: number
  said: number
  tokens: number
}

function add(tally: Tally, open: Map<string, number>, record: JournalRecord): void {
  const call = 'key' in record.data ? `${record.process} ${record.turn} ${record.data.key}` : ''
  switch (record.type) {
    case 'effect.intended': {
      const { kind, input, reserved } = record.data
      const { model = '' } = (input ?? {}) as { readonly model?: string }
      if ((kind !== 'model.generate' && kind !== 'model.embed') || model.startsWith('sim:')) return
      tally.made += 1
      open.set(call, reserved?.tokens ?? 0)
      return
    }
    case 'effect.repeated':
      if (!open.has(call)) return
      tally.made += 1
      tally.tokens += record.data.reserved.tokens ?? 0
      return
    case 'effect.completed':
      if (!open.delete(call)) return
      tally.said += record.data.outcome.ok ? 1 : 0
      tally.tokens += record.data.spent?.tokens ?? 0
      return
    case 'budget.charged':
      // All that the turn held: what comes in later is not paid again.
      for (const each of open.keys())
        if (each.startsWith(`${record.process} ${record.turn} `)) {
          tally.tokens += open.get(each) ?? 0
          open.set(each, 0)
        }
  }
}
