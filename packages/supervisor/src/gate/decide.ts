import type { Amounts, CallKind, RecordDraft, VigilError } from '@vigil/protocol'
import type { CallSite } from './effect.ts'

/** A call that nobody has ruled on yet: nothing of it is on record. */
export interface ProposedCall {
  readonly site: CallSite
  readonly kind: CallKind
  readonly input: unknown
  /** The worst that it can cost, as far as those who were asked before know it. */
  readonly reserve: Amounts
}

export type Ruling =
  /** `input` and `reserve` take the place of what was proposed: for those who are asked next, and for the act. */
  | { readonly verdict: 'go'; readonly input?: unknown; readonly reserve?: Amounts }
  /** The error is the outcome of the call, and is recorded as that, and `beside` what else follows from the refusal. */
  | { readonly verdict: 'refuse'; readonly error: VigilError; readonly beside?: readonly RecordDraft[] }
  /**
   * People have to say something first. `over` puts on record what they are asked, if it is not there, and resolves when they have
   * spoken: whoever wants the call still makes it again, and all are asked anew.
   */
  | { readonly verdict: 'wait'; readonly over: () => Promise<void> }

/** Pure: it reads the folds of the site and nothing that moves by itself. Undefined: it has nothing to say about this call. */
export type Decider = (call: ProposedCall) => Ruling | undefined

/** May this be done, how, and at what cost? The first that does not say go ends the asking. */
export function decide(
  deciders: readonly Decider[],
  proposed: Omit<ProposedCall, 'reserve'>,
): Extract<Ruling, { verdict: 'refuse' | 'wait' }> | (ProposedCall & { readonly verdict: 'go' }) {
  let call: ProposedCall = { ...proposed, reserve: {} }
  for (const decider of deciders) {
    const ruling = decider(call)
    if (ruling === undefined) continue
    if (ruling.verdict !== 'go') return ruling
    call = {
      ...call,
      ...(ruling.input === undefined ? {} : { input: ruling.input }),
      ...(ruling.reserve === undefined ? {} : { reserve: ruling.reserve }),
    }
  }
  return { ...call, verdict: 'go' }
}
