import type { BodyReference, JournalRecord } from '@vigil/protocol'
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
  let outlined: number[] = []
  const fill = async (): Promise<void> => {
    const filled = await Promise.all(outlined.map((index) => withItsBody(blobs, whole[index] as JournalRecord)))
    for (const [nth, index] of outlined.entries()) whole[index] = filled[nth] as JournalRecord
    outlined = []
  }
  // Nearly all records are whole as they are, and a promise for each costs more than all else.
  for (const record of records) {
    const reference = referenceIn(record)
    if (reference !== undefined) outlined.push(whole.length)
    whole.push(reference === undefined ? unwrapped(record) : record)
    if (outlined.length === mostAtOnce) await fill()
  }
  await fill()
  return whole
}

async function withItsBody(blobs: Pick<BlobStore, 'read'>, record: JournalRecord): Promise<JournalRecord> {
  const reference = referenceIn(record) as BodyReference
  const text = await blobs.read(record.process, reference.$blob)
  if (text !== undefined) return withBody(record, JSON.parse(text))
  const mark = { ...reference, gone: true }
  marks.add(mark)
  return withBody(record, mark)
}
