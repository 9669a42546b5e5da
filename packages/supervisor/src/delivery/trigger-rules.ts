import type { AcceptedEvent } from '@vigil/protocol'
import type { LineOf } from '../fold/waiting-lines.ts'
import type { Trigger } from '../manifests/manifest.ts'
import { triggerId } from '../triggers/event-id.ts'
import { compilePath } from '../triggers/filter/filter.ts'

/** What a trigger asks of the order in which its events are handled. */
export interface TriggerRules {
  /** The value that gives an event a lane of its own; undefined, also as a value: it takes one of the shared lanes. */
  readonly lane: ((event: AcceptedEvent) => string | undefined) | undefined
  /** Of events that follow each other within so long only the last of each key is handled. */
  readonly settling: { readonly ms: number; readonly key: (event: AcceptedEvent) => string } | undefined
  readonly batch: Trigger['batch']
  readonly rate: Trigger['rateLimit']
}

/** The rules of triggers by id; those that ask for nothing are left out. */
export type RulesByTrigger = ReadonlyMap<string, TriggerRules>

const known = new WeakMap<readonly Trigger[], RulesByTrigger>()

export const rulesOf = (triggers: readonly Trigger[]): RulesByTrigger =>
  known.getOrInsertComputed(triggers, () => new Map(triggers.flatMap(rulesOfTrigger)))

/** Some of its events may have a lane of their own. */
export const hasKeys = (rules: RulesByTrigger): boolean => rules.values().some(({ lane }) => lane !== undefined)

const lineNames = new WeakMap<RulesByTrigger, LineOf>()

/** Events of one lane stand in one line; those of a trigger with a rate in one of their own, because the rate may hold back them alone. */
export const lineOf = (rules: RulesByTrigger): LineOf =>
  lineNames.getOrInsertComputed(rules, () => (event) => {
    const rule = rules.get(event.trigger_id)
    const lane = rule?.lane?.(event)
    return lane === undefined || rule?.rate === undefined ? lane : `${lane} ${event.trigger_id}`
  })

function rulesOfTrigger(trigger: Trigger): [string, TriggerRules][] {
  const { concurrencyKey, debounceMs, key, batch, rateLimit: rate } = trigger
  // Of a file, debounce says how long it has to stand still before it is told.
  const settlingMs = trigger.type === 'file_watch' ? undefined : debounceMs
  const isApart = trigger.type === 'cron' && trigger.overlap === 'allow_all'
  if (!isApart && concurrencyKey === undefined && settlingMs === undefined && batch === undefined && rate === undefined)
    return []
  const laneOf = isApart ? ({ event_id }: AcceptedEvent) => event_id : undefined
  const lane = concurrencyKey === undefined ? laneOf : valueText(concurrencyKey)
  const keyOf = key === undefined ? () => undefined : valueText(key)
  const settling =
    settlingMs === undefined ? undefined : { ms: settlingMs, key: (event: AcceptedEvent) => keyOf(event) ?? '' }
  return [[triggerId(trigger), { lane, settling, batch, rate }]]
}

/** What stands at a path, as a text that is the same for equal values; undefined when nothing does. */
function valueText(path: string): (event: AcceptedEvent) => string | undefined {
  const valueAt = compilePath(path)
  // A mailbox may hold thousands that wait, and each is looked at again whenever a lane is free.
  const seen = new WeakMap<AcceptedEvent, { readonly text: string | undefined }>()
  return (event) =>
    seen.getOrInsertComputed(event, () => {
      const value = valueAt(event)
      return { text: value === null || value === undefined ? undefined : JSON.stringify(value) }
    }).text
}
