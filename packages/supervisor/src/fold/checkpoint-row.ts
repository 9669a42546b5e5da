import { emptyPurse, emptyTurnPurse, type Purse, type TurnPurse } from '@vigil/governance'
import type { BudgetPatch, Conversation } from '@vigil/protocol'
import type { Manifest } from '../manifests/manifest.ts'
import { noConversation } from './conversation-fold.ts'
import {
  type DedupeEntry,
  type EndedRequest,
  type MemoryEntry,
  type NoticeFold,
  newProcessFold,
  type ProcessFold,
  type RequestFold,
  type SecretFold,
  type SecretUse,
  type SlotCounts,
  type Taken,
  type TurnFold,
} from './process-fold.ts'
import { noOverlay, type TriggerOverlay } from './trigger-layers.ts'

/**
 * A process as one row of a checkpoint. `snapshotRow` copies the containers and shares the values, so what
 * is packed later is the state of this instant.
 */
export function snapshotRow(process: ProcessFold): Row {
  return {
    ...process,
    mailbox: [...process.mailbox],
    turns: [...process.turns].map(([id, turn]) => [
      id,
      { ...turn, effects: [...turn.effects], before: [...turn.before] },
    ]),
    dedupe: [...process.dedupe].map(([trigger, keys]) => [trigger, [...keys]]),
    requests: [...process.requests],
    endedRequests: [...process.endedRequests],
    notices: [...process.notices],
    secrets: [...process.secrets],
    secretUses: [...process.secretUses],
    serverTools: [...process.serverTools],
    deadLetters: [...process.deadLetters],
    state: [...process.state],
    stateHistory: [...process.stateHistory],
    memory: [...process.memory],
    spentOn: [...process.spentOn],
    cronFrom: [...process.cronFrom],
    begun: [...process.begun],
    cronCounts: [...process.cronCounts],
    taken: [...process.taken],
    baselines: [...process.baselines].map(([id, baseline]) => [id, [...baseline]]),
  }
}

interface TurnRow
  extends Omit<
    TurnFold,
    'effects' | 'before' | 'ranMs' | 'begunTools' | 'suspended' | 'purse' | 'thinking' | 'conversation'
  > {
  effects: Entries<TurnFold['effects'] extends Map<string, infer V> ? V : never>
  before: Entries<unknown>
  /** Absent in rows that were written before it was known. */
  ranMs?: number
  begunTools?: TurnFold['begunTools']
  suspended?: string | undefined
  purse?: TurnPurse
  thinking?: TurnFold['thinking']
  conversation?: Conversation
}

type Entries<V> = [string, V][]
export interface Row
  extends Omit<
    ProcessFold,
    | 'mailbox'
    | 'turns'
    | 'tools'
    | 'serverTools'
    | 'requests'
    | 'endedRequests'
    | 'notices'
    | 'secrets'
    | 'secretUses'
    | 'dedupe'
    | 'state'
    | 'stateHistory'
    | 'memory'
    | 'memoryBytes'
    | 'cronFrom'
    | 'cronCounts'
    | 'taken'
    | 'overlay'
    | 'purse'
    | 'spentOn'
    | 'budgetPatch'
    | 'budgetRevision'
    | 'begun'
    | 'baselines'
    | 'conversation'
  > {
  mailbox: Entries<ProcessFold['mailbox'] extends Map<string, infer V> ? V : never>
  turns: Entries<TurnRow>
  dedupe: Entries<Entries<DedupeEntry>>
  state: Entries<unknown>
  stateHistory: Entries<ProcessFold['stateHistory'] extends Map<string, infer V> ? V : never>
  cronFrom: Entries<string>
  begun: Entries<number[]>
  cronCounts: Entries<SlotCounts>
  /** Absent in rows that were written before there were any, like the next. */
  taken?: Entries<Taken>
  tools?: ProcessFold['tools']
  serverTools?: Entries<ProcessFold['tools']>
  requests?: Entries<RequestFold>
  endedRequests?: EndedRequest[]
  notices?: Entries<NoticeFold>
  secrets?: Entries<SecretFold>
  secretUses?: Entries<SecretUse>
  memory?: Entries<MemoryEntry>
  memoryBytes?: number
  overlay?: TriggerOverlay
  purse?: Omit<Purse, 'days'> & Partial<Pick<Purse, 'days'>>
  spentOn?: Entries<Purse>
  budgetPatch?: BudgetPatch
  budgetRevision?: number
  conversation?: Conversation
  baselines: Entries<Entries<string>>
}

/**
 * The inverse of `snapshotRow`.
 * @throws when the row is not laid out as rows are today: half of a process would be worse than none
 */
export function restoredRow(row: Row): ProcessFold {
  const { taken = [], overlay = noOverlay, tools = [], requests = [], endedRequests = [], notices = [] } = row
  const {
    secrets = [],
    secretUses = [],
    memory = [],
    memoryBytes = 0,
    spentOn = [],
    serverTools = [],
    purse: found = emptyPurse,
    budgetPatch = {},
    budgetRevision = 0,
    parent,
    budgetPause,
    conversation = noConversation,
  } = row
  const purse = { ...found, days: found.days ?? [] }
  const money = { purse, budgetPatch, budgetRevision, parent, budgetPause }
  const whole = {
    ...row,
    taken,
    overlay,
    tools,
    requests,
    endedRequests,
    notices,
    secrets,
    secretUses,
    conversation,
    memory,
    memoryBytes,
    spentOn,
    serverTools,
    ...money,
  }
  assertLaidOut(whole)
  return {
    ...whole,
    mailbox: new Map(row.mailbox),
    turns: new Map(row.turns.map(([id, turn]) => [id, restoredTurn(turn)])),
    requests: new Map(requests),
    notices: new Map(notices),
    secrets: new Map(secrets),
    secretUses: new Map(secretUses),
    serverTools: new Map(serverTools),
    dedupe: new Map(row.dedupe.map(([trigger, keys]) => [trigger, new Map(list(keys))])),
    state: new Map(row.state),
    stateHistory: new Map(row.stateHistory),
    memory: new Map(memory),
    spentOn: new Map(spentOn),
    cronFrom: new Map(row.cronFrom),
    begun: new Map(row.begun),
    cronCounts: new Map(row.cronCounts),
    taken: new Map(taken),
    baselines: new Map(row.baselines.map(([id, entries]) => [id, new Map(list(entries))])),
  }
}

/** What a row lacks is added behind the rest: a fold that comes back is written as it was. */
const restoredTurn = (turn: TurnRow): TurnFold => ({
  ...turn,
  ranMs: turn.ranMs ?? 0,
  suspended: turn.suspended,
  begunTools: turn.begunTools ?? {},
  purse: turn.purse ?? emptyTurnPurse,
  salt: turn.salt,
  thinking: turn.thinking,
  conversation: turn.conversation ?? noConversation,
  effects: new Map(list(turn.effects)),
  before: new Map(list(turn.before)),
})

const today = Object.entries(newProcessFold('', {} as Manifest, ''))

/** Has a row all that a process has, and of the same kind? */
function assertLaidOut(row: Row): void {
  for (const [key, value] of today) {
    const found: unknown = row[key as keyof Row]
    if (!(key in row)) throw new TypeError(`expected "${key}" in a checkpoint row, found nothing`)
    if (value instanceof Map || Array.isArray(value)) list(found)
    else if (value !== undefined && typeof found !== typeof value)
      throw new TypeError(`expected a ${typeof value} as "${key}" of a checkpoint row, found a ${typeof found}`)
  }
}

/** A Map would take nothing for an empty list. */
function list<T>(found: T): T {
  if (!Array.isArray(found)) throw new TypeError(`expected a list in a checkpoint row, found a ${typeof found}`)
  return found
}
