import { limits, nestsDeeper, VigilError } from '@vigil/protocol'

/**
 * What the agent sees of a body: the JSON that it is, else `{ text }`, else `{ base64 }`.
 * @throws TOO_LARGE nested too deep
 */
export function payloadOf(contentType: string | undefined, body: Uint8Array): unknown {
  const text = textOf(body)
  if (text === undefined) return { base64: Buffer.from(body).toString('base64') }
  if (contentType !== undefined && contentType !== '' && !/^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(contentType))
    return { text }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { text }
  }
  if (nestsDeeper(value, limits.payloadDepth))
    throw new VigilError(
      'TOO_LARGE',
      `expected a body nested at most ${limits.payloadDepth} deep, found one that is deeper`,
    )
  return value
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function textOf(body: Uint8Array): string | undefined {
  try {
    return utf8.decode(body)
  } catch {
    return undefined
  }
}
