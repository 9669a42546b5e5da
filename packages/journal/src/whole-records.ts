import type { JournalRecord } from '@vigil/protocol'
import type { BlobStore } from './blob-store.ts'
import { referenceIn, unwrapped, withBody } from './line-bodies.ts'

const mostAtOnce = 16
/** Known by what they are and not by how they look: a user may have sent the like. */
const marks = new WeakSet<object>()

/** Whether this stands in a record in the place of a body that is gone. */
export const isGone = (body: unknown): boolean => typeof body === 'object' && body !== null && marks.has(body)

/** Records as they were appended: with their bodies, or with the mark of a body that is gone. */
export async function wholeRecords(
  blobs: Pick<BlobStore, 'read'>,
  records: readonly JournalRecord[],
): Promise<JournalRecord[]> {
  const whole: JournalRecord[] = []
  for (let from = 0; from < records.length; from += mostAtOnce)
    whole.push(
      ...(await Promise.all(records.slice(from, from + mostAtOnce).map((record) => wholeRecord(blobs, record)))),
    )
  return whole
}

async function wholeRecord(blobs: Pick<BlobStore, 'read'>, record: JournalRecord): Promise<JournalRecord> {
  const reference = referenceIn(record)
  if (reference === undefined) return unwrapped(record)
  const text = await blobs.read(record.process, reference.$blob)
  if (text !== undefined) return withBody(record, JSON.parse(text))
  const mark = { ...reference, gone: true }
  marks.add(mark)
  return withBody(record, mark)
}
