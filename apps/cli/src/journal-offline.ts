import { basename } from 'node:path'
import { planRepair, readLog, repairLog, type Verification, verifyLog } from '@vigil/journal'
import { exitCodes, type JournalRecord, VigilError } from '@vigil/protocol'
import type { DataDirectory } from './data-directory.ts'

/** What is read from the files of a data directory, up to what is durable while a supervisor writes behind it. */
type Print = (line: string) => void

const filesOf = async ({ path, fileSystem, isInUse }: DataDirectory) => ({
  fileSystem,
  directory: path,
  beingWritten: await isInUse(),
})

/** Resolves with the exit code. */
export async function verifyJournal(data: DataDirectory, print: Print, json: boolean): Promise<number> {
  const found = await verifyLog(await filesOf(data))
  for (const line of json ? [JSON.stringify(found)] : verificationLines(found)) print(line)
  return found.troubles.length === 0 ? exitCodes.done : exitCodes.journalDamaged
}

function verificationLines({
  segments,
  checkpoints,
  indexes,
  bodies,
  troubles,
  being_written,
}: Verification): string[] {
  const damaged = new Set(troubles.map(({ path }) => path))
  const lines = segments.map((segment) => {
    const { path, first_seq, last_seq, records, bytes, torn_bytes, lost } = segment
    const range = records === 0 ? 'no records' : `records ${first_seq} to ${last_seq}, ${bytes} bytes`
    const torn = torn_bytes === 0 ? '' : `, ${torn_bytes} torn bytes behind them that nobody was told of`
    const gone = lost === 0 ? '' : `, ${lost} of them lost at a repair`
    return `${basename(path)}  ${range}${torn}${gone}${damaged.has(path) ? ', DAMAGED' : ''}`
  })
  for (const { path, seq, processes } of checkpoints)
    lines.push(`${basename(path)}  ${seq === undefined ? 'DAMAGED' : `up to record ${seq}, ${processes} processes`}`)
  if (indexes.torn > 0) lines.push(`${indexes.torn} indexes are torn, and written anew when they are needed`)
  if (bodies.whole + bodies.gone + bodies.lost > 0) {
    const lost = bodies.lost === 0 ? '' : `, ${bodies.lost} LOST`
    lines.push(`${bodies.whole} bodies beside the log, ${bodies.gone} were taken away${lost}`)
  }
  if (being_written) lines.push('A supervisor is at work: what it has not made durable was not looked at.')
  for (const { path, offset, what } of troubles) lines.push(`${path} is damaged at byte ${offset}: ${what}`)
  const total = segments.reduce((sum, { records }) => sum + records, 0)
  lines.push(troubles.length === 0 ? `whole: ${total} records` : 'See `vigil journal repair` for what can be saved.')
  return lines
}

/** Resolves with the exit code. */
export async function repairJournal(data: DataDirectory, print: Print, yes: boolean): Promise<number> {
  const { fileSystem, path: directory, clock } = data
  return await data.locked(async () => {
    const plan = await planRepair({ fileSystem, directory, beingWritten: false })
    for (const { path, trouble, kept, lost } of plan.segments) {
      const why = trouble === undefined ? 'it follows one that changes' : `byte ${trouble.offset}: ${trouble.what}`
      print(
        `${basename(path)}  ${why}. ${kept} records can be read, ${lost === 0 ? 'none is' : `at most ${lost} are`} lost.`,
      )
    }
    for (const path of plan.checkpoints) print(`${basename(path)}  damaged, will be moved aside.`)
    for (const { path, what } of plan.bodies) print(`${path}  ${what}.`)
    for (const path of plan.indexes) print(`${basename(path)}  not the index of its segment, will be removed.`)
    const { segments, checkpoints, indexes, bodies } = plan
    const isDamaged = segments.length + checkpoints.length + indexes.length + bodies.length > 0
    if (isDamaged && !yes) {
      print('Nothing was changed. --yes keeps the bytes as they are beside each file (*.damaged-TIME) and repairs it.')
      return exitCodes.journalDamaged
    }
    const loss = await repairLog(plan, { fileSystem, clock, directory })
    const names = loss?.affected.map(({ process, atMost }) => `${process} (at most ${atMost})`) ?? []
    if (loss !== undefined) print(`Put on record: records may be missing of ${names.join(', ')}.`)
    if (plan.bodies.length > 0) print(`Put on record: ${plan.bodies.length} bodies are lost.`)
    print(isDamaged ? 'Repaired: the journal opens.' : 'Nothing is damaged.')
    return exitCodes.done
  })
}

export interface ExportQuery {
  readonly process?: string
  readonly type?: string
  readonly from: number
  /** Wall time in milliseconds. */
  readonly since: number | undefined
}

export async function exportRecords(data: DataDirectory, print: Print, query: ExportQuery): Promise<void> {
  const { process, type, from, since } = query
  await readLog(await filesOf(data), (record) => {
    if (record.seq < from || (process !== undefined && record.process !== process)) return
    if ((type !== undefined && record.type !== type) || (since !== undefined && Date.parse(record.at) < since)) return
    print(JSON.stringify(record))
  })
}

/** A record whole, as JSON that people can read. @throws RECORD_NOT_FOUND */
export async function oneRecord(
  data: DataDirectory,
  wanted: { readonly seq: number } | { readonly process: string; readonly n: number },
): Promise<string> {
  let found: JournalRecord | undefined
  const is = (record: JournalRecord): boolean =>
    'seq' in wanted ? record.seq === wanted.seq : record.process === wanted.process && record.n === wanted.n
  await readLog(await filesOf(data), (record) => {
    if (is(record)) found = record
  })
  if (found !== undefined) return JSON.stringify(found, null, 2)
  const name = 'seq' in wanted ? `record ${wanted.seq}` : `record ${wanted.n} of ${wanted.process}`
  throw new VigilError('INVALID_ARGUMENT', `expected a record that is kept, found no ${name} in ${data.path}`)
}

/** The last records of a process, oldest first. */
export async function newestRecords(
  data: DataDirectory,
  { process, limit, type, turn }: { process: string; limit: number; type?: string; turn?: string },
): Promise<JournalRecord[]> {
  const found: JournalRecord[] = []
  await readLog(await filesOf(data), (record) => {
    if (record.process !== process || (type !== undefined && record.type !== type)) return
    if (turn !== undefined && record.turn !== turn) return
    found.push(record)
    if (found.length > limit) found.shift()
  })
  return found
}
