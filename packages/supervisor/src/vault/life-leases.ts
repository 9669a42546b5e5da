import {
  type CoreMessage,
  errorBody,
  type Guest,
  type GuestMessage,
  type ProcessName,
  VigilError,
} from '@vigil/protocol'
import type { ProcessFold, TurnFold } from '../fold/process-fold.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import { isLive, secretBytes } from './secret-page.ts'
import type { Vault } from './vault.ts'

type LeaseMessage = Extract<GuestMessage, { t: 'lease' | 'lease.end' }>

/** The bytes of secrets that the code of one life holds. They go to its cell and lie there until it, or anybody here, lets go of them. */
export interface LifeLeases {
  hear(message: LeaseMessage): void
  hold(isHeld: boolean): void
  /** Takes back what a turn holds. */
  close(turn: string): void
  /** The life is over, and its memory with it. */
  end(): void
}

export interface Leases {
  readonly vault: Pick<Vault, 'take' | 'changed'>
  readonly log: RecordLog
}

export interface LifeLeasesParts extends Leases {
  readonly process: ProcessFold
  readonly guest: Pick<Guest, 'lend' | 'takeBack'>
  /** It was launched with memory to lend to. */
  readonly canLend: boolean
  readonly say: (message: CoreMessage) => void
  /** A turn that the life works on. */
  readonly turnOf: (turn: string) => TurnFold | undefined
  /** The guest asks for more than it may. */
  readonly flooded: (message: string) => void
}

interface Held {
  readonly turn: string
  page?: SharedArrayBuffer
  release?: () => void
}

/** Of one life at the same time. */
const mostLeases = 256

export function lifeLeases(parts: LifeLeasesParts): LifeLeases {
  const { vault, log, process, guest, say, turnOf } = parts
  const held = new Map<number, Held>()
  let waiting: LeaseMessage[] | undefined

  const end = (id: number): void => {
    const lease = held.get(id)
    if (lease === undefined) return
    held.delete(id)
    if (lease.page !== undefined) guest.takeBack(id)
    lease.release?.()
  }

  const lend = async (id: number, turn: TurnFold, name: string): Promise<void> => {
    const lease: Held = { turn: turn.turn }
    held.set(id, lease)
    try {
      demandLease(process, name, parts.canLend)
      const { secrets, release } = await vault.take({ process, turn, key: '' }, new Set([name]))
      lease.release = release
      const page = secrets.find((secret) => secret.name === name)?.page
      const author = { process: process.name as ProcessName, epoch: process.epoch, turn: turn.turn }
      const [record] = log.commit([{ ...author, type: 'secret.used', data: { name, lease: true } }])
      await log.journal.durable(record?.seq ?? 0)
      if (held.get(id) !== lease) return release()
      if (page === undefined || !isLive(page))
        throw new VigilError('SECRET_MISSING', `the secret ${name} of ${process.name} was taken away`)
      lease.page = page
      guest.lend(id, secretBytes(page))
    } catch (error) {
      end(id)
      say({ t: 'lease.refused', id, error: errorBody(error) })
    }
  }

  const hear = (message: LeaseMessage): void => {
    if (message.t === 'lease.end') return end(message.id)
    if (waiting !== undefined) return void waiting.push(message)
    const turn = turnOf(message.turn)
    if (held.has(message.id) || held.size >= mostLeases)
      return parts.flooded(`the guest has more than ${mostLeases} secrets lent, or one twice`)
    if (turn !== undefined) void lend(message.id, turn, message.name)
  }

  // What was revoked is zeroed in the cell, too, whatever its code is about to do with it.
  const unfollow = vault.changed(() => {
    for (const [id, { page }] of held) if (page !== undefined && !isLive(page)) guest.takeBack(id)
  })

  return {
    hear,
    hold(isHeld) {
      const late = waiting ?? []
      waiting = isHeld ? late : undefined
      if (!isHeld) for (const message of late) hear(message)
    },
    close(turn) {
      for (const [id, lease] of held) if (lease.turn === turn) end(id)
    },
    end() {
      unfollow()
      for (const id of [...held.keys()]) end(id)
    },
  }
}

/** @throws SECRET_DENIED */
function demandLease({ name: process, manifest }: ProcessFold, name: string, canLend: boolean): void {
  const { secrets = {} } = manifest
  const secret = Object.hasOwn(secrets, name) ? secrets[name] : undefined
  const refuse = (reason: string, line: string): VigilError =>
    new VigilError('SECRET_DENIED', `${reason}; add to the manifest: ${line}`)
  if (secret === undefined) {
    const line = `secrets: { ${name}: { value: "\${NAME_OF_A_VARIABLE}", lease: true } }`
    throw refuse(`${process} has no secret ${name}`, line)
  }
  if (secret.lease !== true)
    throw refuse(`code may not hold the secret ${name} of ${process}`, `secrets: { ${name}: { lease: true } }`)
  if (!canLend)
    throw new VigilError('SECRET_DENIED', `this life of ${process} began before its manifest lent secrets; restart it`)
}

/** Whether lives of this manifest have memory to lend to. */
export const lendsSecrets = ({ secrets = {}, isolation }: ProcessFold['manifest']): boolean =>
  isolation !== 'thread' && Object.values(secrets).some(({ lease }) => lease === true)
