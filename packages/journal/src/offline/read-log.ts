import { type JournalRecord, VigilError } from '@vigil/protocol'
import { type DataFiles, surveyCheckpoints, surveySegments } from './survey.ts'

/**
 * Visits every record that is kept, oldest first, up to what is durable.
 * @throws JOURNAL_DAMAGED naming segment and byte offset, after all that stands before it was visited
 */
export async function readLog(files: DataFiles, visit: (record: JournalRecord) => void): Promise<void> {
  for await (const { trouble } of surveySegments(files, await surveyCheckpoints(files), visit)) {
    if (trouble === undefined) continue
    const { path, offset, what } = trouble
    throw new VigilError('JOURNAL_DAMAGED', `the journal segment ${path} is damaged at byte ${offset}: ${what}`, {
      details: { segment: path, offset },
    })
  }
}
