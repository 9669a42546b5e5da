import { fakeTokens } from './tokens.ts'

/** As many as those of text-embedding-3-small. */
const usualDimensions = 1_536

/**
 * The direction of a text's words: each word points along an axis that its hash chooses, so the same text has the same
 * vector, and texts that share words lie nearer to each other than texts that share none. Its length is 1.
 */
export function fakeEmbedding(text: string, dimensions = usualDimensions): number[] {
  const vector = new Array<number>(dimensions).fill(0)
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [text]) {
    const axis = hashOf(word) % dimensions
    vector[axis] = (vector[axis] ?? 0) + 1
  }
  const length = Math.hypot(...vector)
  return vector.map((value) => Math.fround(value / length))
}

/** FNV-1a, 32 bits. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(word)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}

export interface EmbeddingsReply {
  readonly json: object
  /** Tokens. */
  readonly input: number
}

export function embeddingsReply(body: Readonly<Record<string, unknown>>): EmbeddingsReply {
  const { input, model, dimensions, encoding_format } = body
  const texts = (Array.isArray(input) ? input : [input]) as readonly string[]
  const tokens = texts.reduce((sum, text) => sum + fakeTokens(text), 0)
  const data = texts.map((text, index) => {
    const vector = fakeEmbedding(text, dimensions as number | undefined)
    const base64 = (): string => Buffer.from(Float32Array.from(vector).buffer).toString('base64')
    return { object: 'embedding', index, embedding: encoding_format === 'base64' ? base64() : vector }
  })
  const usage = { prompt_tokens: tokens, total_tokens: tokens }
  return { json: { object: 'list', data, model, usage }, input: tokens }
}
