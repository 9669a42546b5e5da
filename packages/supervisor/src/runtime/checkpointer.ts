import type { Clock, Compute, Timer } from '@vigil/protocol'
import { snapshotRow } from '../fold/checkpoint-row.ts'
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
}

export const checkpointPolicy: CheckpointPolicy = { everyMs: 300_000, everyRecords: 50_000 }

export function checkpointer(
  log: RecordLog,
  clock: Clock,
  compute: Compute,
  policy: CheckpointPolicy,
  failed: (error: Error) => void,
): Checkpointer {
  let lastSeq = log.journal.lastSeq
  let running: Promise<void> | undefined
  let timer: Timer | undefined
  let closed = false

  const write = async (): Promise<void> => {
    const seq = log.journal.lastSeq
    // The room of the ballast is for records.
    if (seq === lastSeq || log.journal.space.state !== 'open') return
    // One instant for all rows; packing and the disk come after it.
    const names = [...log.world.keys()]
    const snapshots = [...log.world.values()].map(snapshotRow)
    const at = clock.now()
    const packed = await compute.encodeRows(snapshots)
    await log.journal.durable(seq)
    await log.journal.saveCheckpoint({
      seq,
      at,
      rows: new Map(names.map((name, index) => [name, packed[index] as Uint8Array])),
    })
    lastSeq = seq
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
