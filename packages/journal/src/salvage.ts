import type { FileSystem, JournalRecord } from '@vigil/protocol'
import { eachLine } from './file-lines.ts'
import { chainAtEnd, checkLine, decodeHeader, decodeRecord } from './record-codec.ts'

/**
 * Visits what can still be read of a damaged segment: each line whose crc continues the one that stands at the end of the
 * line before it.
 */
export async function salvage(
  fileSystem: FileSystem,
  path: string,
  upTo: number,
  visit: (record: JournalRecord) => void,
): Promise<void> {
  const handle = await fileSystem.open(path, 'read')
  let chain = 0
  try {
    await eachLine(handle, { from: 0, upTo }, (line, start) => {
      const decoded = checkLine(line, chain) === undefined ? undefined : decodeRecord(line)
      if (typeof decoded?.record.seq === 'number') visit(decoded.record)
      chain = start === 0 ? (decodeHeader(line)?.chain ?? Number.NaN) : chainAtEnd(line)
    })
  } finally {
    await handle.close()
  }
}
