import type { FileHandle } from '@vigil/protocol'

/** Small enough that the lines of one piece keep nobody waiting. */
const pieceBytes = 262_144
const newline = 10

/**
 * Visits the lines of a file that are not blank, each without its newline, and with the offsets where it begins and where
 * the next one may; the last may lack its newline. Waits for `pieceRead` after each piece. Returns where it stopped.
 */
export async function eachLine(
  handle: FileHandle,
  { from, upTo }: { readonly from: number; readonly upTo: number },
  visit: (line: Buffer, start: number, end: number) => void,
  pieceRead?: () => Promise<void>,
): Promise<number> {
  const totalBytes = Math.min(upTo, await handle.size())
  let rest = Buffer.alloc(0)
  let position = from
  while (position < totalBytes) {
    const piece = Buffer.allocUnsafe(Math.min(pieceBytes, totalBytes - position))
    const count = await handle.read(piece, position)
    if (count === 0) break
    const start = position - rest.length
    position += count
    const text = rest.length === 0 ? piece.subarray(0, count) : Buffer.concat([rest, piece.subarray(0, count)])
    let at = 0
    for (;;) {
      // The room at the end of a segment is many blank lines: no search for each.
      while (text[at] === newline) at += 1
      const end = text.indexOf(newline, at)
      if (end === -1) break
      visit(text.subarray(at, end), start + at, start + end + 1)
      at = end + 1
    }
    rest = text.subarray(at)
    await pieceRead?.()
  }
  if (rest.length > 0) visit(rest, position - rest.length, position)
  return totalBytes
}
