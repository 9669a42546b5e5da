import type { JournalRecord } from '@vigil/protocol'

/** What of a line says where its record stands, read without parsing its data: a tenth of the cost. */
export interface LineHead extends Pick<JournalRecord, 'seq' | 'process' | 'n' | 'epoch' | 'type' | 'turn'> {
  /** Its batch goes on with the next line. */
  readonly more: boolean
  /** It begins a flush. */
  readonly flush: boolean
}

const quote = 34
const backslash = 92
const crcBytes = ',"crc":"00000000"}'.length
const moreMark = ',"more":true'
const flushMark = ',"flush":true'
const keys = {
  seq: Buffer.from('{"seq":'),
  at: Buffer.from(',"at":"'),
  process: Buffer.from('","process":"'),
  n: Buffer.from('","n":'),
  epoch: Buffer.from(',"epoch":'),
  type: Buffer.from(',"type":"'),
  turn: Buffer.from('","turn":"'),
  data: Buffer.from('","data":'),
}

/** Where only the end of a line is lost, the next one goes on in it, and its crc is right for both. */
const nextRecord = Buffer.from('{"seq":')

/** Undefined when the line is not laid out as `encodeRecord` lays it out: its members may still be read by parsing. */
export function lineHead(line: Buffer): LineHead | undefined {
  const cursor = { line, at: 0 }
  const seq = skip(cursor, keys.seq) ? number(cursor) : undefined
  if (seq === undefined || !skip(cursor, keys.at)) return undefined
  if (!pass(cursor) || !skip(cursor, keys.process)) return undefined
  const process = text(cursor) as JournalRecord['process'] | undefined
  if (process === undefined || !skip(cursor, keys.n)) return undefined
  const n = number(cursor)
  if (n === undefined || !skip(cursor, keys.epoch)) return undefined
  const epoch = number(cursor)
  if (epoch === undefined || !skip(cursor, keys.type)) return undefined
  const type = text(cursor) as JournalRecord['type'] | undefined
  if (type === undefined) return undefined
  const hasTurn = skip(cursor, keys.turn)
  const turn = hasTurn ? text(cursor) : undefined
  // A version stands before the data of a type that has changed; only parsing knows whether it can be read.
  if ((hasTurn && turn === undefined) || !skip(cursor, keys.data)) return undefined
  if (line.indexOf(nextRecord, cursor.at) !== -1) return undefined
  const head = { seq, process, n, epoch, type, ...marksOf(line) }
  return turn === undefined ? head : { ...head, turn }
}

const lastOfTrue = 101

function marksOf(line: Buffer): Pick<LineHead, 'more' | 'flush'> {
  // Most lines have neither, and end with what no mark ends with.
  if (line[line.length - crcBytes - 1] !== lastOfTrue) return { more: false, flush: false }
  const marks = line.toString(
    'latin1',
    line.length - crcBytes - flushMark.length - moreMark.length,
    line.length - crcBytes,
  )
  const flush = marks.endsWith(flushMark)
  const more = marks.endsWith(moreMark, marks.length - (flush ? flushMark.length : 0))
  return { more, flush }
}

interface Cursor {
  readonly line: Buffer
  at: number
}

function skip(cursor: Cursor, expected: Buffer): boolean {
  const { line, at } = cursor
  for (let index = 0; index < expected.length; index += 1) if (line[at + index] !== expected[index]) return false
  cursor.at = at + expected.length
  return true
}

function number(cursor: Cursor): number | undefined {
  const { line } = cursor
  let { at } = cursor
  let value = 0
  for (let digit = (line[at] as number) - 48; digit >= 0 && digit <= 9; digit = (line[++at] as number) - 48)
    value = value * 10 + digit
  if (at === cursor.at) return undefined
  cursor.at = at
  return value
}

/** A string without escapes in plain letters, up to its closing quote. */
function pass(cursor: Cursor): boolean {
  const { line } = cursor
  let end = cursor.at
  for (let byte = line[end]; byte !== quote; byte = line[++end])
    if (byte === undefined || byte === backslash || byte >= 128) return false
  cursor.at = end
  return true
}

function text(cursor: Cursor): string | undefined {
  const { line, at } = cursor
  if (!pass(cursor)) return undefined
  return line.toString('latin1', at, cursor.at)
}
