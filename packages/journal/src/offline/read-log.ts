import { join } from 'node:path'
import { type JournalRecord, VigilError } from '@vigil/protocol'
import { blobStore } from '../blob-store.ts'
import { wholeRecords } from '../whole-records.ts'
import { type DataFiles, surveyCheckpoints, surveySegments } from './survey.ts'

/**
 * Visits every record that is kept, with its body unless that was taken away, oldest first, up to what is durable.
 * @throws JOURNAL_DAMAGED naming segment and byte offset, after all that stands before it was visited
 */
export async function readLog(files: DataFiles, visit: (record: JournalRecord) => void): Promise<void> {
  const blobs = blobStore(files.fileSystem, join(files.directory, 'blobs'), () => 0)
  let read: JournalRecord[] = []
  const rounds = await surveyCheckpoints(files)
  for await (const { trouble } of surveySegments(files, rounds, (record) => void read.push(record))) {
    for (let from = 0; from < read.length; from += bodiesAtOnce)
      for (const record of await wholeRecords(blobs, read.slice(from, from + bodiesAtOnce))) visit(record)
    read = []
    if (trouble === undefined) continue
    const { path, offset, what } = trouble
    throw new VigilError('JOURNAL_DAMAGED', `the journal segment ${path} is damaged at byte ${offset}: ${what}`, {
      details: { segment: path, offset },
    })
  }
}

const bodiesAtOnce = 64
