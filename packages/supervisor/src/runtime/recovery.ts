import type { JournalRecord, JournalStore, ProcessName, RecordDraft } from '@vigil/protocol'
import { isProcess, type ProcessFold } from '../fold/process-fold.ts'
import { touched } from '../fold/touched.ts'
import { applyRecord, type World } from '../fold/world.ts'
import { chargeRecords } from '../ledger/ledger.ts'
import type { RecoveryReport } from '../surface.ts'
import { endsOfLostBodies } from './lost-bodies.ts'
import { isRepeated } from './repeated-effects.ts'
import { restoredCheckpoint } from './restored-checkpoint.ts'

export interface Recovered {
  readonly world: World
  /** Packed rows of the checkpoint, and whose are older than the world. */
  readonly rows: ReadonlyMap<string, Uint8Array>
  readonly changed: Set<string>
  readonly report: Omit<RecoveryReport, 'orphansEnded'>
  /** What ring 0 has to put on record about its own death before it acts. */
  readonly epitaphs: readonly RecordDraft[]
}

/** Loads the newest checkpoint and replays what came after it. The checkpoint is a cache: without it the world is the same. */
export async function recover(journal: JournalStore): Promise<Recovered> {
  const { checkpoint, world, rowSeqs } = await restoredCheckpoint(journal)
  const replayed = new Map<string, number>()
  let repeated = 0
  await journal.replay(checkpoint?.seq ?? 0, (record) => {
    const names = [...touched(world, record)]
    const later = names.filter((name) => record.seq > (rowSeqs.get(name) ?? 0))
    if (later.includes(record.process) && isRepeated(world, record)) repeated += 1
    if (later.length === names.length) applyRecord(world, record)
    else if (later.length > 0) applyToPart(world, later, record)
    for (const name of later) replayed.set(name, (replayed.get(name) ?? 0) + 1)
  })
  const checkpointAt = checkpoint === undefined ? undefined : new Date(checkpoint.at).toISOString()
  const processes = [...world.values()].filter(isProcess)
  const lostBodies = processes.flatMap(endsOfLostBodies)
  const ends = (process: ProcessFold): RecordDraft[] =>
    lostBodies
      .filter((end) => end.process === process.name)
      .flatMap((end) => [...chargeRecords(world, process, end.turn ?? ''), end])
  const tail = journal.report.tornTail
  return {
    world,
    rows: checkpoint?.rows ?? new Map(),
    changed: new Set(replayed.keys()),
    epitaphs: [...processes.filter((process) => process.alive).map(epitaph), ...processes.flatMap(ends)],
    report: {
      ...(tail === undefined ? {} : { tornTail: tail.movedTo }),
      processes: processes.map((process) => ({
        name: process.name,
        ...(checkpointAt !== undefined && checkpoint?.rows.has(process.name) === true ? { checkpointAt } : {}),
        replayed: replayed.get(process.name) ?? 0,
        openTurns: openTurns(process, lostBodies),
      })),
      lost: sum(processes, lostEvents),
      repeated,
      bodiesLost: lostBodies.length,
      inDoubt: sum(processes, doubts),
    },
  }
}

const openTurns = ({ name, turns }: ProcessFold, ends: readonly RecordDraft[]): number =>
  turns.size - ends.filter(({ process, turn }) => process === name && turns.has(turn ?? '')).length

/** Records that change several rows remove none; the first of a shared memory makes its row. */
function applyToPart(world: World, names: readonly string[], record: JournalRecord): void {
  const part: World = new Map(
    names.flatMap((name) => (world.has(name) ? [[name, world.get(name) as ProcessFold]] : [])),
  )
  applyRecord(part, record)
  for (const name of names) {
    const row = part.get(name)
    if (row !== undefined) world.set(name, row)
  }
}

/** An accepted event is waiting, open or ended; anything else would be a loss, and is counted rather than assumed away. */
const lostEvents = (process: ProcessFold): number =>
  // Fewer than none: a repaired log may know of an end whose beginning is lost.
  Math.max(0, process.accepted - process.completed - process.deadLettered - process.cancelled - process.mailbox.size)

/** Intents without outcome that may not be repeated, because ring 0 itself died between the two; and what waits for a person's word. */
function doubts(process: ProcessFold): number {
  let count = 0
  for (const turn of process.turns.values()) {
    for (const effect of turn.effects.values()) if (effect.outcome === undefined && !effect.repeatable) count += 1
    count += turn.parked?.doubts.length ?? 0
  }
  return count
}

/** The lives that ended with ring 0: charged to nobody. */
const epitaph = (process: ProcessFold): RecordDraft => ({
  process: process.name as ProcessName,
  epoch: process.epoch,
  type: 'incarnation.exited',
  data: {
    cause: { kind: 'cell_lost', hint: 'the supervisor ended' },
    turns: [...process.turns.values()].filter((turn) => turn.retry === undefined).map((turn) => turn.turn),
    charged: false,
  },
})

const sum = (processes: readonly ProcessFold[], count: (process: ProcessFold) => number): number =>
  processes.reduce((total, process) => total + count(process), 0)
