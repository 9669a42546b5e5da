/** One vector for each text, as base64 of 32-bit floats: some send them so, others as numbers. Undefined: something else. */
export function vectorsOf(reply: unknown, count: number): string[] | undefined {
  const { data } = (reply ?? {}) as { readonly data?: unknown }
  if (!Array.isArray(data) || data.length !== count) return undefined
  const rows = data as readonly { readonly index?: number; readonly embedding?: unknown }[]
  const inOrder = rows.every(({ index }) => typeof index === 'number')
    ? rows.toSorted((a, b) => (a.index ?? 0) - (b.index ?? 0))
    : rows
  const vectors = inOrder.map(({ embedding }) => vectorOf(embedding))
  return vectors.every((vector) => vector !== undefined) ? vectors : undefined
}

function vectorOf(embedding: unknown): string | undefined {
  if (typeof embedding === 'string') {
    const bytes = Buffer.from(embedding, 'base64')
    return bytes.byteLength > 0 && bytes.byteLength % 4 === 0 ? bytes.toString('base64') : undefined
  }
  if (!Array.isArray(embedding) || embedding.length === 0 || !embedding.every(Number.isFinite)) return undefined
  const bytes = Buffer.alloc(embedding.length * 4)
  for (const [index, value] of embedding.entries()) bytes.writeFloatLE(value, index * 4)
  return bytes.toString('base64')
}
