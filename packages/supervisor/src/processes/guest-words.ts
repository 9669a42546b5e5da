import {
  type AcceptedEvent,
  type Bundle,
  type CoreMessage,
  type GuestMessage,
  type GuestSpec,
  guestMessageSchema,
} from '@vigil/protocol'
import { recordedEffects } from '../delivery/attempt.ts'
import type { ProcessFold, TurnFold } from '../fold/process-fold.ts'
import { permissionsOf, sharesCell } from '../isolation/tier.ts'
import { offeredTools } from '../models/offered-tools.ts'
import { lendsSecrets } from '../vault/life-leases.ts'
import { stateDiff } from './state-commit.ts'

/** What core and a guest say to each other, for those who deal with guests: how one is born, how a turn is given to it. */
export interface GuestNeeds {
  readonly process: Pick<ProcessFold, 'name' | 'epoch' | 'manifest'>
  readonly module: Bundle
  readonly guestRuntime: Bundle
  readonly env: Readonly<Record<string, string>>
  /** In a cell that it shares with nobody, whatever its tier. */
  readonly alone: boolean
}

const startTimeoutMs = 30_000

export function guestSpec({ process, module, guestRuntime, env, alone }: GuestNeeds): GuestSpec {
  const { manifest } = process
  return {
    process: process.name,
    epoch: process.epoch,
    runtime: guestRuntime,
    module,
    trustGroup: sharesCell(manifest) && !alone ? manifest.trustGroup : undefined,
    permissions: permissionsOf(manifest),
    ...(lendsSecrets(manifest) ? { lends: true } : {}),
    memoryMb: manifest.memoryMb,
    heartbeatTimeoutMs: manifest.heartbeatTimeoutMs,
    startTimeoutMs,
    env,
  }
}

type TurnMessage = Extract<CoreMessage, { t: 'turn' }>

export const turnMessage = (
  process: ProcessFold,
  {
    turn,
    event,
    state,
    crashed,
  }: {
    readonly turn: TurnFold
    readonly event: AcceptedEvent
    readonly state: TurnMessage['state']
    readonly crashed: boolean
  },
): TurnMessage => {
  const {
    epoch,
    manifest: { context },
  } = process
  return {
    t: 'turn',
    turn: turn.turn,
    attempt: turn.attempt,
    epoch,
    event,
    started_at: turn.startedAt,
    seed: turn.turn,
    ...(turn.salt === undefined ? {} : { salt: turn.salt }),
    state,
    ...(turn.before.size === 0 ? {} : { as_of: stateDiff(turn.before) }),
    ...(context.writableKeys.length === 0 ? {} : { writable: context.writableKeys }),
    ...thinkingOf(process, turn),
    recorded: recordedEffects(turn),
    crashed,
  }
}

function thinkingOf(process: ProcessFold, { thinking, conversation }: TurnFold): Pick<TurnMessage, 'thinking'> {
  if (thinking === undefined) return {}
  const { sim: _, ...told } = thinking
  return { thinking: { ...told, offered: offeredTools(process), conversation } }
}

/** Undefined for what is no message: a guest may post anything. */
export function parseGuestMessage(text: string): GuestMessage | undefined {
  try {
    return guestMessageSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
