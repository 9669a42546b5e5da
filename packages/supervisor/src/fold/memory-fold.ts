import { isBodyReference, type JournalRecord, type RecordData, type RecordType } from '@vigil/protocol'
import { type MemoryEntry, type ProcessFold, rowBeside } from './process-fold.ts'
import { settleEffect } from './turn-fold.ts'

type Of<T extends RecordType> = Extract<JournalRecord, { type: T }>
type World = Map<string, ProcessFold>

/** A shared memory is a row of its own beside the processes, and outlives each of them. */
const sharedMemory = (space: string): string => `@memory/${space}`

/** The row that holds what a process with this manifest remembers. */
export const memoryRow = ({ name, manifest }: Pick<ProcessFold, 'name' | 'manifest'>): string =>
  manifest.memory?.share === undefined ? name : sharedMemory(manifest.memory.share)

type OfMemory = Of<'memory.stored' | 'memory.embedded' | 'memory.forgotten'>
const isOfMemory = (record: JournalRecord): record is OfMemory => record.type.startsWith('memory.')

/** The row that a record changes beside that of its process. */
export function spaceOf(record: JournalRecord): string | undefined {
  if (!isOfMemory(record)) return undefined
  return record.data.space === undefined ? undefined : sharedMemory(record.data.space)
}

export const entryBytes = ({ text, tags, vector }: Pick<MemoryEntry, 'text' | 'tags' | 'vector'>): number =>
  Buffer.byteLength(text) +
  tags.reduce((sum, tag) => sum + Buffer.byteLength(tag), 0) +
  (vector === undefined ? 0 : vector.data.length)

export function foldMemoryStored(world: World, record: Of<'memory.stored'>): void {
  const { id, text, tags = [], entry_key: key } = record.data
  const row = rowOf(world, record)
  if (row !== undefined) drop(row, id)
  // Of a text that nobody has any more there is nothing to remember.
  if (row !== undefined && !isBodyReference(text))
    keep(row, { id, text, tags, ...(key === undefined ? {} : { key }), at: record.at, by: record.process })
  settle(world, record, 'memory.store', { id })
}

export function foldMemoryForgotten(world: World, record: Of<'memory.forgotten'>): void {
  const row = rowOf(world, record)
  if (row !== undefined) drop(row, record.data.id)
  settle(world, record, 'memory.forget', record.data.was_there)
}

export function foldMemoryEmbedded(world: World, record: Of<'memory.embedded'>): void {
  const row = rowOf(world, record)
  const { model, vectors } = record.data
  for (const [id, data] of vectors) {
    const before = row?.memory.get(id)
    if (row === undefined || before === undefined) continue
    const entry = { ...before, vector: { model, data } }
    row.memory.set(id, entry)
    row.memoryBytes += entryBytes(entry) - entryBytes(before)
  }
}

function rowOf(world: World, record: OfMemory): ProcessFold | undefined {
  const space = spaceOf(record)
  if (space === undefined) return world.get(record.process)
  return world.getOrInsertComputed(space, rowBeside)
}

/** The newest stands last, whether it is new or took the place of another. */
function keep(row: ProcessFold, entry: MemoryEntry): void {
  row.memory.set(entry.id, entry)
  row.memoryBytes += entryBytes(entry)
}

function drop(row: ProcessFold, id: string): void {
  const before = row.memory.get(id)
  if (before === undefined) return
  row.memory.delete(id)
  row.memoryBytes -= entryBytes(before)
}

/** The record is the deed and the outcome. */
function settle(
  world: World,
  {
    process,
    turn: id,
    at,
    data,
  }: { process: string; turn?: string; at: string; data: Pick<RecordData<'memory.stored'>, 'key'> },
  kind: 'memory.store' | 'memory.forget',
  value: unknown,
): void {
  const turn = id === undefined ? undefined : world.get(process)?.turns.get(id)
  if (turn === undefined || data.key === undefined) return
  const { attempt } = turn
  settleEffect(turn, {
    key: data.key,
    kind,
    at,
    attempt,
    repeatable: false,
    rerun: false,
    outcome: { ok: true, value },
  })
}
