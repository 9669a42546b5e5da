import { type AcceptedEvent, limits } from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import { type Room, waitingEvents, waitingLines } from '../fold/waiting-lines.ts'
import { inPrecedence } from './precedence.ts'
import { hasKeys, lineOf, type RulesByTrigger, type TriggerRules } from './trigger-rules.ts'

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

export interface Ways {
  readonly rules: RulesByTrigger
  readonly room: Room
  readonly ageMs: (event: AcceptedEvent) => number
}

/** What waits and might begin, in the order in which it would; who is behind others of its line may be left out. */
export function candidates(process: ProcessFold, ways: Ways): Iterable<Candidate> {
  const { rules, room } = ways
  if (rules.values().some(({ settling, batch }) => settling !== undefined || batch !== undefined))
    return inPrecedence(process, together(waitingEvents(process), ways))
  // One after the other: who needs the first of thousands must not look at all.
  const next = firstOfLines(process, { rules, room }).map((event) => alone(event, rules))
  return hasKeys(rules) ? next : inPrecedence(process, next)
}

/** The same event by event, for whom it is enough to see one of each line; in precedence where there are keys. */
export const firstOfLines = (
  process: ProcessFold,
  { rules, room }: Pick<Ways, 'rules' | 'room'>,
): IteratorObject<AcceptedEvent> =>
  hasKeys(rules) ? waitingLines(process, lineOf(rules)).next(room) : waitingEvents(process)

const alone = (event: AcceptedEvent, rules: RulesByTrigger): Candidate => {
  return { events: [event], rules: rules.get(event.trigger_id), superseded: [], inMs: 0 }
}

function* together(waiting: Iterable<AcceptedEvent>, { rules, ageMs }: Ways): Generator<Candidate> {
  for (const { rule, events } of groups(waiting, rules)) {
    if (rule?.settling !== undefined) yield settled(events, rule, rule.settling.ms, ageMs)
    else if (rule?.batch !== undefined) yield* batches(events, rule, rule.batch, ageMs)
    else yield* events.map((event) => alone(event, rules))
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
  return rule?.batch === undefined ? undefined : `lane ${rule.lane?.(event) ?? ''}`
}

function settled(events: Events, rules: TriggerRules, ms: number, ageMs: (event: AcceptedEvent) => number): Candidate {
  const last = events.at(-1) as AcceptedEvent
  const inMs = Math.min(ms - ageMs(last), longestSettling * ms - ageMs(events[0]))
  return { events: [last], rules, superseded: events.slice(0, -1), inMs: Math.max(0, inMs) }
}

function* batches(
  events: Events,
  rules: TriggerRules,
  { max, withinMs }: NonNullable<TriggerRules['batch']>,
  ageMs: (event: AcceptedEvent) => number,
): Generator<Candidate> {
  let batch: AcceptedEvent[] = []
  let bytes = 0
  const taken = (isFull: boolean): Candidate => {
    const all = batch as Events
    return { events: all, rules, superseded: [], inMs: isFull ? 0 : Math.max(0, withinMs - ageMs(all[0])) }
  }
  for (const event of events) {
    const size = sizeOf(event)
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

/** Events never change, and thousands of them are looked at again for each batch. */
const sizes = new WeakMap<AcceptedEvent, number>()
const sizeOf = (event: AcceptedEvent): number =>
  sizes.getOrInsertComputed(event, () => Buffer.byteLength(JSON.stringify(event)))
