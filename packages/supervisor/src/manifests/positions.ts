import { type Document, isMap, isNode, isScalar, isSeq, type LineCounter } from 'yaml'

/** Leads a problem from its path back to the line and column of the file, both counted from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

type Path = readonly (string | number)[]

/**
 * Where `path` stands: its value, its key when the key is meant or the value is empty, or the innermost
 * thing around it that exists when it is missing.
 */
export function placeOf(document: Document, lines: LineCounter, path: Path, meant: 'key' | 'value'): Place {
  const offset = offsetOf(document, path, meant)
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

function offsetOf(document: Document, path: Path, meant: 'key' | 'value'): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const [depth, key] of path.entries()) {
    const last = depth === path.length - 1
    if (isSeq(node) && typeof key === 'number') {
      node = node.items[key]
    } else if (isMap(node)) {
      const pair = node.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === String(key))
      if (pair === undefined) return offset
      offset = startOf(pair.key) ?? offset
      if (last && meant === 'key') return offset
      node = pair.value
    } else {
      return offset
    }
    // An empty value has a place behind its colon, which shows nothing: its key says more.
    if (!(isScalar(node) && node.value === null && node.source === '')) offset = startOf(node) ?? offset
  }
  return offset
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined)
