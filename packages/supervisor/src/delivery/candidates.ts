import { type AcceptedEvent, limits } from '@vigil/protocol'
import type { RulesByTrigger, TriggerRules } from './trigger-rules.ts'
import { waitLeft } from './wait-left.ts'

/** What one turn may be begun for. */
export interface Candidate {
  /** Several in a batch, in order of acceptance. */
  readonly events: readonly [AcceptedEvent, ...AcceptedEvent[]]
  readonly rules: TriggerRules | undefined
  /** Others that these stand for: they end when these begin. */
  readonly superseded: readonly AcceptedEvent[]
  /** How long it has to be waited for more; 0 when it may begin. */
  readonly inMs: number
}

/** However often an event is followed by another, it is handled after so many times its debounce. */
const longestSettling = 10

/** What waits, as turns that might begin, in the order of their first events. */
export function* candidates(
  waiting: Iterable<AcceptedEvent>,
  rules: RulesByTrigger,
  nowMs: number,
): Generator<Candidate> {
  if (rules.size === 0) {
    for (const event of waiting) yield { events: [event], rules: undefined, superseded: [], inMs: 0 }
    return
  }
  for (const { rule, events } of groups(waiting, rules)) {
    if (rule?.settling !== undefined) yield settled(events, rule, rule.settling.ms, nowMs)
    else if (rule?.batch !== undefined) yield* batches(events, rule, rule.batch, nowMs)
    else for (const event of events) yield { events: [event], rules: rule, superseded: [], inMs: 0 }
  }
}

type Events = [AcceptedEvent, ...AcceptedEvent[]]

interface Group {
  readonly rule: TriggerRules | undefined
  readonly events: Events
}

/** Those that are looked at together: of one key while they settle, of one lane in a batch; any other stands alone. */
function groups(waiting: Iterable<AcceptedEvent>, rules: RulesByTrigger): Iterable<Group> {
  const found = new Map<string, Group>()
  for (const event of waiting) {
    const rule = rules.get(event.trigger_id)
    const together = togetherBy(event, rule)
    const name = together === undefined ? event.event_id : `${event.trigger_id} ${together}`
    const group = found.get(name)
    if (group === undefined) found.set(name, { rule, events: [event] })
    else group.events.push(event)
  }
  return found.values()
}

function togetherBy(event: AcceptedEvent, rule: TriggerRules | undefined): string | undefined {
  if (rule?.settling !== undefined) return `key ${rule.settling.key(event)}`
  return rule?.batch === undefined ? undefined : `lane ${rule.lane(event) ?? ''}`
}

function settled(events: Events, rules: TriggerRules, ms: number, nowMs: number): Candidate {
  const last = events.at(-1) as AcceptedEvent
  const sinceLast = waitLeft(atMs(last) + ms, ms, nowMs)
  const sinceFirst = waitLeft(atMs(events[0]) + longestSettling * ms, longestSettling * ms, nowMs)
  return { events: [last], rules, superseded: events.slice(0, -1), inMs: Math.min(sinceLast, sinceFirst) }
}

function* batches(
  events: Events,
  rules: TriggerRules,
  { max, withinMs }: NonNullable<TriggerRules['batch']>,
  nowMs: number,
): Generator<Candidate> {
  let batch: AcceptedEvent[] = []
  let bytes = 0
  const taken = (isFull: boolean): Candidate => {
    const all = batch as Events
    return { events: all, rules, superseded: [], inMs: isFull ? 0 : waitLeft(atMs(all[0]) + withinMs, withinMs, nowMs) }
  }
  for (const event of events) {
    const size = JSON.stringify(event).length
    // Together they are one payload, and have its cap.
    if (batch.length === max || (batch.length > 0 && bytes + size > limits.payloadBytes)) {
      yield taken(true)
      batch = []
      bytes = 0
    }
    batch.push(event)
    bytes += size
  }
  yield taken(batch.length === max)
}

const atMs = ({ timestamp }: AcceptedEvent): number => Date.parse(timestamp)
