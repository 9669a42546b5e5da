import { isDeepStrictEqual } from 'node:util'
import { nodeFileSystem, openFileStore } from '@vigil/journal'
import type { JournalRecord } from '@vigil/protocol'
import { applyRecord, recover, snapshotRow, type World } from '@vigil/supervisor/internal'
import { virtualClock } from '@vigil/testkit'
import { endedOnce, journalChecks } from '../../packages/testkit/src/world/journal-checks.ts'
import { moneyTally } from '../../packages/testkit/src/world/money-checks.ts'

/** The log of a data directory that nobody uses any more, what it says, and every promise that it breaks, in words. */
export async function readBack(data: string) {
  const store = await openFileStore({ fileSystem: nodeFileSystem(), clock: virtualClock(), directory: data })
  const log: JournalRecord[] = []
  const folds: World = new Map()
  const money = moneyTally()
  const miscounted: string[] = []
  await store.replay(0, (record) => {
    log.push(record)
    applyRecord(folds, record)
    miscounted.push(...money.add(record), ...money.compare(record, folds))
  })
  const { world } = await recover(store)
  await store.close()
  const waiting = [...folds.values()].flatMap(({ name, mailbox }) =>
    [...mailbox.keys()].map((id) => `${id} of ${name}`),
  )
  const broken = [...miscounted, ...journalChecks.flatMap((check) => check(log)), ...endedOnce(log, new Set(waiting))]
  if (!isDeepStrictEqual(rows(world), rows(folds))) broken.push('checkpoint and tail say something else than the log')
  return { log, folds, waiting, broken, money }
}

const rows = (of: World): unknown => JSON.parse(JSON.stringify([...of.values()].map(snapshotRow)))
