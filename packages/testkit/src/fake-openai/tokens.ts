import type { FakeRequest } from './request.ts'

/** Four bytes are a token, and what is left over is one more: no model counts so, but everyone can count it again. */
export function fakeTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4)
}

/** The JSON of what a model reads: messages, tools and the format that is asked for. */
export function inputTokens({ body }: FakeRequest): number {
  const { messages, tools, response_format } = body
  return fakeTokens(JSON.stringify([messages, tools, response_format].filter((part) => part !== undefined)))
}

/** The longest beginning of a text that has no more bytes, whole characters only. */
export function firstBytes(text: string, bytes: number): string {
  let taken = ''
  let left = bytes
  for (const character of text) {
    left -= Buffer.byteLength(character)
    if (left < 0) break
    taken += character
  }
  return taken
}

/** The text in so many characters each; none of them is split. */
export function inPieces(text: string, characters: number): string[] {
  const all = Array.from(text)
  return Array.from({ length: Math.ceil(all.length / characters) }, (_, k) =>
    all.slice(k * characters, (k + 1) * characters).join(''),
  )
}
