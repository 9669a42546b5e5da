import { type Clock, type Outcome, type Random, VigilError } from '@vigil/protocol'
import type { EffectFold, RequestFold } from '../fold/process-fold.ts'
import { approvalKind } from '../fold/turn-fold.ts'
import type { Decider, Ruling } from '../gate/decide.ts'
import type { CallSite } from '../gate/effect.ts'
import { toolRules } from '../gate/tools/rules.ts'
import type { NamedCall } from '../gate/tools/tool-decider.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { AskedBudget } from './more-budget.ts'
import { type Asked, approvalPolicy, askedHash, askProblem, openedRecord } from './opened.ts'

/** What people say about a call of a tool that may not be made without them. */
export interface ToolApproval {
  readonly approved: boolean
  readonly by: string
  readonly reason?: string
  /** The input instead of the one that was asked for. */
  readonly edits?: unknown
}

export interface ApprovalParts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly random: Random
  /** Resolves when people have spoken about what stands under this key, or the turn is over. */
  readonly spoken: (site: CallSite) => Promise<void>
}

/**
 * Asked when it is known that the tool may be called at all, and before money is reserved. What people said stays in the turn, under a
 * key of its own beside that of the call: a replay finds it, and so does the next attempt.
 */
export function approvalDecider(parts: ApprovalParts): Decider {
  return ({ site, kind, input }) => {
    if (kind !== 'tool' && kind !== 'server.tool') return undefined
    const { name, input: given = null } = input as NamedCall
    const { process, turn } = site
    const place = { ...site, key: `${site.key}/approval` }
    const asked = { tool: name, input: given }
    const before = turn.effects.get(place.key)
    if (before !== undefined) return ruled(before, asked, () => parts.spoken(place))
    if (toolRules(process, name)?.needsApproval(given) !== true) return undefined
    return opening(parts, place, { kind: 'approval', asked })
  }
}

/**
 * What people say to a call that its budget has no room for. They may be asked again: what they gave may have been taken by others.
 * Nothing when they have said no.
 */
export function moreBudget(parts: ApprovalParts): (site: CallSite, asked: AskedBudget) => Ruling | undefined {
  return (site, asked) => {
    for (let n = 0; ; n += 1) {
      const place = { ...site, key: `${site.key}/budget#${n}` }
      const before = site.turn.effects.get(place.key)
      if (before === undefined) return opening(parts, place, { kind: 'budget', asked })
      if (before.outcome === undefined) return { verdict: 'wait', over: () => parts.spoken(place) }
      if (!wordOf(before.outcome).approved) return undefined
    }
  }
}

/** Opens a request under a key of its own beside that of the call, and waits for what people say. */
function opening(parts: ApprovalParts, place: CallSite, what: Pick<Asked, 'kind' | 'asked'>): Ruling {
  const { manifest } = place.process
  const problem = askProblem(place.process, what.asked)
  if (problem !== undefined) return { verdict: 'refuse', error: problem }
  return {
    verdict: 'wait',
    over() {
      parts.log.commit([openedRecord(parts, place, { call: approvalKind, ...what, ...approvalPolicy(manifest) })])
      return parts.spoken(place)
    },
  }
}

const wordOf = (outcome: Outcome): ToolApproval =>
  outcome.ok
    ? (outcome.value as unknown as ToolApproval)
    : { approved: false, by: 'policy', reason: outcome.error.message }

function ruled({ outcome, input }: EffectFold, asked: AskedTool, over: () => Promise<void>): Ruling {
  const { tool } = asked
  if ((input as { readonly input_hash: string }).input_hash !== askedHash(asked)) {
    const message = `people were asked about a call of "${tool}" with another input, under the same key`
    return { verdict: 'refuse', error: new VigilError('TURN_DIVERGED', message) }
  }
  if (outcome === undefined) return { verdict: 'wait', over }
  const { approved, by, reason, edits } = wordOf(outcome)
  if (approved) return { verdict: 'go', input: { name: tool, input: edits === undefined ? asked.input : edits } }
  const why = reason === undefined ? '' : `: ${reason}`
  return { verdict: 'refuse', error: new VigilError('TOOL_DENIED', `the call of "${tool}" was denied by ${by}${why}`) }
}

interface AskedTool {
  readonly tool: string
  readonly input: unknown
}

/** The tool whose call people are asked about; undefined for what code asks in its own words. */
export const askedTool = ({ kind, asked }: Pick<RequestFold, 'kind' | 'asked'>): AskedTool | undefined =>
  kind === 'approval' && typeof (asked as Partial<AskedTool>).tool === 'string' ? (asked as AskedTool) : undefined
