import { dirname } from 'node:path'
import { type Clock, type FileSystem, type OpenReport, VigilError } from '@vigil/protocol'
import { writeFileAtomically, writeFully } from './atomic-file.ts'
import { encodeHeader } from './record-codec.ts'
import { readSegment, type SegmentReading } from './segment-reader.ts'

interface Tail {
  readonly fileSystem: FileSystem
  readonly clock: Clock
  readonly path: string
  readonly reading: SegmentReading | undefined
  readonly first: number
  /** crc of the last line of the segment before, if this recovery read it. */
  readonly chain: number | undefined
}

/**
 * Mends the end of the last segment. Bad bytes with no later flush after them are what a power cut leaves of a write that
 * nobody was told of, whose pages reach the disk in any order: they are moved aside. Anything else is left as it is, for
 * the caller to refuse.
 */
export async function mendTail({
  fileSystem,
  clock,
  path,
  reading,
  first,
  chain,
}: Tail): Promise<{ reading: SegmentReading | undefined; report: OpenReport }> {
  if (reading === undefined) return { reading: await beginAgain(fileSystem, path, first, chain), report: {} }
  if (reading.goodBytes === reading.badUpTo || reading.damagedInside) return { reading, report: {} }
  const bad = Buffer.from((await fileSystem.readFile(path)).subarray(reading.goodBytes, reading.badUpTo))
  const movedTo = `${path}.torn-${new Date(clock.now()).toISOString().replaceAll(':', '')}`
  await writeFileAtomically(fileSystem, movedTo, bad)
  const handle = await fileSystem.open(path, 'write')
  try {
    await handle.truncate(reading.goodBytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return {
    reading: { ...reading, badUpTo: reading.goodBytes, totalBytes: reading.goodBytes },
    report: { tornTail: { movedTo, bytes: bad.length } },
  }
}

/** The creation of a segment was cut short: no record in it was ever acknowledged, so it is written anew. */
async function beginAgain(
  fileSystem: FileSystem,
  path: string,
  first: number,
  chain: number | undefined,
): Promise<SegmentReading | undefined> {
  const bytes = await fileSystem.readFile(path)
  const isFirst = first === 1
  if ((chain === undefined && !isFirst) || Buffer.from(bytes).includes('{"seq":')) {
    throw new VigilError('JOURNAL_DAMAGED', `the header of the journal segment ${path} is damaged at byte 0`, {
      details: { segment: path, offset: 0 },
    })
  }
  const handle = await fileSystem.open(path, 'write')
  try {
    await handle.truncate(0)
    writeFully(handle, Buffer.from(encodeHeader(first, chain ?? 0).text), 0)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await fileSystem.syncDirectory(dirname(path))
  return await readSegment(fileSystem, path)
}
