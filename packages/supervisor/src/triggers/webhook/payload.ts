import { VigilError } from '@vigil/protocol'

/** Records are written and packed by functions that call themselves; what nests deeper than any sender means to is refused. */
const deepest = 200

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
  if (isDeeper(value, deepest))
    throw new VigilError('TOO_LARGE', `expected a body nested at most ${deepest} deep, found one that is deeper`)
  return value
}

function textOf(body: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return undefined
  }
}

function isDeeper(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return left === 0 || Object.values(value).some((inner) => isDeeper(inner, left - 1))
}
