import type { Clock, Timer } from '@vigil/protocol'
import { packRow } from '../fold/packed-row.ts'
import type { RecordLog } from './record-log.ts'

/** Rounds of checkpoints: they only shorten recovery, so a failed round is told and tried again later. */
export interface Checkpointer {
  /** Writes a round now, unless nothing happened since the last. */
  round(): Promise<void>
  close(): void
}

/** A round comes so many milliseconds after the last, or so many records after it. */
export interface CheckpointPolicy {
  readonly everyMs: number
  readonly everyRecords: number
  /** How much of a round is packed before everybody else has a turn. */
  readonly bytesAtOnce: number
}

export const checkpointPolicy: CheckpointPolicy = { everyMs: 300_000, everyRecords: 50_000, bytesAtOnce: 131_072 }

export interface CheckpointerParts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly policy: CheckpointPolicy
  /** What the newest round holds, packed; rows of processes that `log.changed` names are old. */
  readonly rows: ReadonlyMap<string, Uint8Array>
  readonly failed: (error: Error) => void
}

/**
 * A round packs only processes that changed, one after the other, and lets others work in between. So its rows are of
 * different instants, and each says of which. Invariant: a row holds what all records up to its own seq say of its
 * process, and nothing of later ones; no row is older than the seq of its round, but for processes that no record touched
 * in between; and every record that a row holds is durable before the round is saved.
 */
export function checkpointer({ log, clock, policy, rows: saved, failed }: CheckpointerParts): Checkpointer {
  const packed = new Map(saved)
  let lastSeq = log.journal.lastSeq
  let running: Promise<void> | undefined
  let timer: Timer | undefined
  let closed = false

  const write = async (): Promise<void> => {
    const seq = log.journal.lastSeq
    // The room of the ballast is for records.
    if (seq === lastSeq || log.journal.space.state !== 'open') return
    const at = clock.now()
    const rows = new Map<string, Uint8Array>()
    const pause = pauses(clock, policy.bytesAtOnce)
    for (const name of [...log.world.keys()]) {
      const row = (await packedAnew(name, pause)) ?? packed.get(name)
      if (row !== undefined) rows.set(name, row)
    }
    for (const name of packed.keys()) if (!rows.has(name)) packed.delete(name)
    await log.journal.durable(log.journal.lastSeq)
    await log.journal.saveCheckpoint({
      seq,
      at,
      rows,
    })
    lastSeq = seq
  }

  /** The row of a process as it is now; undefined when the one that is there still says the same, or the process is gone. */
  const packedAnew = async (name: string, pause: Pause): Promise<Uint8Array | undefined> => {
    const process = log.world.get(name)
    if (process === undefined || (packed.has(name) && !log.changed.has(name))) return undefined
    log.changed.delete(name)
    packed.delete(name)
    const pieces: Uint8Array[] = []
    for (const piece of packRow(process, log.journal.lastSeq)) {
      pieces.push(piece)
      await pause(piece.length)
    }
    const row = Buffer.concat(pieces)
    packed.set(name, row)
    return row
  }

  const round = (): Promise<void> => {
    running ??= write().finally(() => {
      running = undefined
    })
    return running
  }

  const arm = (): void => {
    if (!closed) timer = clock.setTimer(policy.everyMs, () => void round().catch(failed).finally(arm))
  }
  arm()
  const unobserve = log.observe((record) => {
    if (record.seq - lastSeq >= policy.everyRecords && running === undefined) void round().catch(failed)
  })

  return {
    round,
    close() {
      closed = true
      timer?.cancel()
      unobserve()
    },
  }
}

type Pause = (bytes: number) => Promise<void> | undefined

/** Waits for everybody else once so many bytes have been packed. */
function pauses(clock: Clock, bytesAtOnce: number): Pause {
  let since = 0
  return (bytes) => {
    since += bytes
    if (since < bytesAtOnce) return undefined
    since = 0
    return new Promise((resolve) => clock.setTimer(0, resolve))
  }
}
