import { isDeepStrictEqual } from 'node:util'
import { openFileStore, verifyLog } from '@vigil/journal'
import type { JournalRecord } from '@vigil/protocol'
import { applyRecord, type World as Folds, recover, snapshotRow, touched } from '@vigil/supervisor/internal'
import { virtualClock } from '../virtual-clock.ts'
import { endedOnce, journalChecks } from './journal-checks.ts'
import { worldDirectory } from './lives.ts'
import { modelViolations } from './model-checks.ts'
import { type MoneyTally, moneyTally } from './money-checks.ts'
import { outsideViolations } from './outside-checks.ts'
import { overwritesTold } from './state-checks.ts'
import type { World } from './world.ts'

export interface Judgement {
  /** Promises that were broken, in words. */
  readonly violations: readonly string[]
  readonly log: readonly JournalRecord[]
  /** What all records together say, by process. */
  readonly folds: Folds
  /** What money did, by the records alone. */
  readonly money: Pick<MoneyTally, 'moves' | 'paid'>
}

/**
 * Judges a world that was stopped: nothing is left of it but its disk, and the disk says what was promised. `verifies`: reads the disk
 * as `vigil journal verify` does too, which costs a quarter more.
 */
export async function judge(world: World, { verifies = true } = {}): Promise<Judgement> {
  const violations = [...world.violations]
  const left = {
    'armed timer': world.armedTimers,
    'open file': world.disk.openHandles(),
    'living cell': world.cells.living.length,
  }
  for (const [what, count] of Object.entries(left)) if (count > 0) violations.push(`${count} ${what}(s) are left`)

  let log: readonly JournalRecord[]
  let folds: Folds
  let recovered: Folds
  let strays: readonly string[]
  let money: MoneyTally
  if (verifies) violations.push(...(await troublesOf(world)))
  try {
    ;({ log, folds, recovered, strays, money } = await readBack(world))
  } catch (error) {
    return {
      violations: [...violations, `the log cannot be read: ${error}`],
      log: [],
      folds: new Map(),
      money: moneyTally(),
    }
  }
  // Twice: what is read must also survive the loss of everything that was not synced.
  world.disk.crash()
  const again = await countBack(world).catch(() => 0)
  if (again !== log.length) violations.push(`${log.length} records were read, ${again} are on the disk`)
  for (const [index, heard] of world.told.entries()) {
    const lost = heard.find((record) => !isSame(record, log[record.seq - 1]))
    if (lost !== undefined)
      violations.push(
        `life ${index} was told of ${lost.type} ${lost.seq}, the log has ${log[lost.seq - 1]?.type ?? 'nothing'}`,
      )
  }
  violations.push(...overwritesTold(log))
  violations.push(...strays)
  for (const check of journalChecks) violations.push(...check(log))
  const waiting = [...folds.values()].flatMap(({ name, mailbox }) =>
    [...mailbox.keys()].map((id) => `${id} of ${name}`),
  )
  violations.push(...endedOnce(log, new Set(waiting)))
  const firstSeqs = world.told.map((heard) => heard[0]?.seq)
  violations.push(...modelViolations(log, world.models.billed))
  violations.push(...outsideViolations({ log, done: world.outside.done, unannounced: world.unannounced, firstSeqs }))
  if (!isDeepStrictEqual(rows(recovered), rows(folds)))
    violations.push('the newest checkpoint and what came after it say something else than all records')
  return { violations, log, folds, money }
}

/** What `vigil journal verify` would say: also of bodies that a line names and that are not there. */
async function troublesOf({ disk }: World): Promise<string[]> {
  const { troubles } = await verifyLog({ fileSystem: disk, directory: worldDirectory, beingWritten: false })
  return troubles.map(({ path, offset, what }) => `${path} is damaged at byte ${offset}: ${what}`)
}

/** How many records there are, for a start that comes to its end. */
async function countBack(world: World): Promise<number> {
  const store = await openFileStore({ fileSystem: world.disk, clock: virtualClock(), directory: worldDirectory })
  let count = 0
  await store.replay(0, () => {
    count += 1
  })
  await recover(store)
  await store.close()
  return count
}

async function readBack(world: World) {
  const store = await openFileStore({ fileSystem: world.disk, clock: virtualClock(), directory: worldDirectory })
  const log: JournalRecord[] = []
  const folds = new AskedFolds()
  const strays: string[] = []
  const money = moneyTally()
  await store.replay(0, (record) => {
    log.push(record)
    folds.asked.clear()
    applyRecord(folds, record)
    for (const name of folds.asked.difference(touched(folds, record)))
      strays.push(`${record.type} ${record.seq} looks at ${name}, which it does not name: a checkpoint may miss it`)
    strays.push(...money.add(record), ...money.compare(record, folds))
  })
  const { world: recovered, report } = await recover(store)
  for (const what of ['lost', 'repeated'] as const)
    if (report[what] > 0) strays.push(`recovery would say ${report[what]} ${what}`)
  await store.close()
  return { log, folds, recovered, strays, money }
}

type ProcessFold = Folds extends Map<string, infer Fold> ? Fold : never

/** Folds that know who was looked for. */
class AskedFolds extends Map<string, ProcessFold> {
  readonly asked = new Set<string>()
  override get(name: string): ProcessFold | undefined {
    this.asked.add(name)
    return super.get(name)
  }
  override values(): MapIterator<ProcessFold> {
    for (const name of this.keys()) this.asked.add(name)
    return super.values()
  }
}

/** A record as it was told may have fields that are undefined, which no record on a disk has. */
const isSame = (told: JournalRecord, read: JournalRecord | undefined): boolean =>
  isDeepStrictEqual(told, read) || isDeepStrictEqual(plain(told), plain(read))
const plain = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)))
const rows = (folds: Folds): unknown =>
  plain(Object.fromEntries([...folds].map(([name, process]) => [name, snapshotRow(process)])))
