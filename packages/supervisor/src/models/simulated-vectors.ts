import { type EmbedReply, VigilError } from '@vigil/protocol'
import { requestTokens } from './request-size.ts'
import { simulatedProvider } from './simulated.ts'

const dimensions = 64

/** Texts that share runs of three characters lie near each other: enough to try a search, and no meaning. @throws MODEL_NOT_FOUND */
export function simulatedVectors(name: string, texts: readonly string[]): EmbedReply {
  if (name !== 'embed')
    throw new VigilError('MODEL_NOT_FOUND', `expected the simulated sim:embed for vectors, found sim:${name}`)
  return {
    vectors: texts.map((text) => vectorOf(text)),
    usage: { input: requestTokens({ texts }), output: 0, estimated: true },
    usd: 0,
    model: `${simulatedProvider}:${name}`,
    simulated: true,
  }
}

function vectorOf(text: string): string {
  const counts = new Float32Array(dimensions)
  const lower = text.toLowerCase()
  for (let at = 0; at < lower.length; at += 1) {
    let mixed = 7
    for (const letter of lower.slice(at, at + 3)) mixed = (mixed * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003
    const place = mixed % dimensions
    counts[place] = (counts[place] ?? 0) + 1
  }
  const length = Math.hypot(...counts) || 1
  const bytes = Buffer.alloc(dimensions * 4)
  for (const [place, count] of counts.entries()) bytes.writeFloatLE(count / length, place * 4)
  return bytes.toString('base64')
}
