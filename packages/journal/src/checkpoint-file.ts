import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { type Checkpoint, type FileSystem, faultPoint } from '@vigil/protocol'
import { writeFileAtomically } from './atomic-file.ts'

/** A stored round and what the log needs to go on from it. */
export interface StoredCheckpoint extends Checkpoint {
  /** process -> n and epoch of its last record. */
  readonly places: readonly (readonly [string, number, number])[]
  /** The newest record that was durable when it was saved: rows and places may know of it. */
  readonly until?: number | undefined
}

interface Header {
  readonly vigil: 'checkpoint'
  readonly format: 1
  readonly seq: number
  readonly at: number
  readonly places: readonly (readonly [string, number, number])[]
  readonly until?: number | undefined
  readonly rows: readonly (readonly [string, number])[]
}

const kept = 2
const suffix = '.ckpt'

/** Layout: crc32 of the rest as 8 hex digits, a line of JSON, the rows one after the other. */
export async function saveCheckpoint(
  fileSystem: FileSystem,
  directory: string,
  checkpoint: StoredCheckpoint,
): Promise<void> {
  const { seq, at, places, until, rows } = checkpoint
  const header: Header = {
    vigil: 'checkpoint',
    format: 1,
    seq,
    at,
    places,
    until,
    rows: [...rows].map(([name, row]) => [name, row.length]),
  }
  const body = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...rows.values()])
  const crc = Buffer.from(crc32(body).toString(16).padStart(8, '0'))
  faultPoint('checkpoint.before_save')
  await fileSystem.makeDirectory(directory)
  await writeFileAtomically(
    fileSystem,
    join(directory, `${String(seq).padStart(16, '0')}${suffix}`),
    Buffer.concat([crc, body]),
  )
  faultPoint('checkpoint.after_save')
  for (const name of (await names(fileSystem, directory)).slice(0, -kept))
    await fileSystem.remove(join(directory, name))
}

/** Whole rounds, newest first; a damaged one is passed over, because the one before it and the log say the same. */
export async function loadCheckpoints(fileSystem: FileSystem, directory: string): Promise<StoredCheckpoint[]> {
  const found: StoredCheckpoint[] = []
  for await (const { checkpoint } of checkpointFiles(fileSystem, directory))
    if (checkpoint !== undefined) found.push(checkpoint)
  return found
}

/** Every file of a round, newest first; without a checkpoint when it is damaged. */
export async function* checkpointFiles(
  fileSystem: FileSystem,
  directory: string,
): AsyncGenerator<{ readonly path: string; readonly checkpoint: StoredCheckpoint | undefined }> {
  for (const name of (await names(fileSystem, directory)).reverse()) {
    const path = join(directory, name)
    yield { path, checkpoint: parse(Buffer.from(await fileSystem.readFile(path))) }
  }
}

async function names(fileSystem: FileSystem, directory: string): Promise<string[]> {
  if ((await fileSystem.stat(directory)) === undefined) return []
  return (await fileSystem.readDirectory(directory)).filter((name) => name.endsWith(suffix))
}

function parse(bytes: Buffer): StoredCheckpoint | undefined {
  const body = bytes.subarray(8)
  if (bytes.toString('latin1', 0, 8) !== crc32(body).toString(16).padStart(8, '0')) return undefined
  const lineEnd = body.indexOf(10)
  const header = JSON.parse(body.toString('utf8', 0, lineEnd)) as Header
  const rows = new Map<string, Uint8Array>()
  let at = lineEnd + 1
  for (const [name, length] of header.rows) {
    rows.set(name, new Uint8Array(body.subarray(at, at + length)))
    at += length
  }
  return { seq: header.seq, at: header.at, places: header.places, until: header.until, rows }
}
