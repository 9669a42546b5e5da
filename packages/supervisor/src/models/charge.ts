import { type Amounts, costOf, fromDollars, type Price, plus, toDollars } from '@vigil/governance'
import { errorBody, errorCode, type ModelFailure, type ModelUsage, type Outcome, VigilError } from '@vigil/protocol'

/**
 * The reply with what it costs in dollars; of a failure its error says so: nothing when no model was reached, and what was sent and
 * has come when nobody knows its end.
 */
export async function charged<T extends { readonly usage: ModelUsage }>(
  {
    price,
    most,
  }: { readonly price: Price | undefined; readonly most: { readonly input: number; readonly output: number } },
  ask: () => Promise<T>,
): Promise<T & { readonly usd: number }> {
  const usdOf = (usage: ModelUsage): number => (price === undefined ? 0 : toDollars(costOf(price, usage)))
  try {
    const reply = await ask()
    return { ...reply, usd: usdOf(reply.usage) }
  } catch (error) {
    const { details, code, message } = errorBody(error, 'MODEL_UNAVAILABLE')
    const failure = (details ?? {}) as ModelFailure
    // Nobody knows how far it came: it has cost what was reserved for it.
    if (failure.unknown === true || failure.answered === undefined) throw error
    const usage: ModelUsage = { input: most.input, output: Math.min(failure.answered, most.output), estimated: true }
    throw new VigilError(errorCode({ code }) ?? 'INTERNAL', message, {
      details: { ...failure, usage, usd: usdOf(usage) },
    })
  }
}

/** What a call has come to. Undefined: all that was reserved for it. */
export function modelSpent(outcome: Outcome): Amounts | undefined {
  const said = (outcome.ok ? outcome.value : (outcome.error.details ?? {})) as Partial<ModelFailure>
  // What is no failure of a model is one of Vigil, and may have come at any point.
  if (said.unknown === true || (!outcome.ok && !/^(MODEL|SIM)_/.test(outcome.error.code))) return undefined
  const { usage = { input: 0, output: 0 }, usd = 0 } = said
  return plus({}, { model_calls: 1, tokens: usage.input + usage.output, usd: fromDollars(usd) })
}
