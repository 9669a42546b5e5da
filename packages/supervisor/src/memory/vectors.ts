import type { Clock } from '@vigil/protocol'
import type { MemoryEntry, ProcessFold } from '../fold/process-fold.ts'

/** How near entries are to a question, by id: from -1 to 1. */
export type Nearness = ReadonlyMap<string, number>

/** So many numbers are multiplied before everybody else has a turn: some 3 ms. To read a vector takes as long as six products. */
const productsAtOnce = 500_000
const reading = 6

/** Of those whose vectors the same model has made. */
export async function nearness(
  row: Pick<ProcessFold, 'memory'>,
  question: { readonly model: string; readonly vector: string },
  clock: Clock,
): Promise<Nearness> {
  const wanted = unitVector(question.vector)
  const near = new Map<string, number>()
  let products = 0
  for (const entry of row.memory.values()) {
    if (entry.vector?.model !== question.model) continue
    const times = vectors.has(entry) ? 1 : reading
    const vector = vectorOf(entry)
    if (vector.length === wanted.length) near.set(entry.id, dot(vector, wanted))
    products += vector.length * times
    if (products < productsAtOnce) continue
    products = 0
    await new Promise<void>((resolve) => clock.setTimer(0, resolve))
  }
  return near
}

const vectors = new WeakMap<MemoryEntry, Float32Array>()

function vectorOf(entry: MemoryEntry): Float32Array {
  const known = vectors.get(entry)
  if (known !== undefined) return known
  const vector = unitVector(entry.vector?.data ?? '')
  vectors.set(entry, vector)
  return vector
}

/** 32-bit floats, little-endian, as base64; of length 1, so that a product is a cosine. */
function unitVector(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const vector = new Float32Array(Math.floor(bytes.length / 4))
  for (let at = 0; at < vector.length; at += 1) vector[at] = view.getFloat32(at * 4, true)
  const length = Math.sqrt(dot(vector, vector))
  if (!(length > 0 && Number.isFinite(length))) return new Float32Array()
  for (let at = 0; at < vector.length; at += 1) vector[at] = (vector[at] as number) / length
  return vector
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let at = 0; at < a.length; at += 1) sum += (a[at] as number) * (b[at] as number)
  return sum
}
