import { errorCode, limits, nestsDeeper, VigilError } from '@vigil/protocol'

/** Reads a body as JSON, never more of it than one payload may have. */
export interface JsonBody {
  /** False for an empty body. */
  readonly present: boolean
  readonly value: unknown
}

/** @throws UNSUPPORTED_MEDIA_TYPE, TOO_LARGE, INVALID_JSON */
export async function readJson(request: Request): Promise<JsonBody> {
  return jsonOf(request, await readBytes(request))
}

/** A document that people write: data, or a text of YAML whose reader says what is wrong with it. */
export async function readJsonOrYaml(request: Request): Promise<unknown> {
  const bytes = await readBytes(request)
  const isYaml = /^application\/yaml\s*(;|$)/i.test(request.headers.get('content-type') ?? '')
  return isYaml ? new TextDecoder().decode(bytes) : jsonOf(request, bytes).value
}

function jsonOf(request: Request, bytes: Uint8Array): JsonBody {
  if (bytes.length === 0) return { present: false, value: undefined }
  const type = request.headers.get('content-type') ?? ''
  if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type)) {
    throw new VigilError(
      'UNSUPPORTED_MEDIA_TYPE',
      `expected content-type application/json, found ${type === '' ? 'none' : type}`,
    )
  }
  const value = parsed(bytes)
  if (nestsDeeper(value, limits.payloadDepth))
    throw new VigilError(
      'TOO_LARGE',
      `expected a body nested at most ${limits.payloadDepth} deep, found one that is deeper`,
    )
  return { present: true, value }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new VigilError('INVALID_JSON', `expected one JSON document, found: ${(error as Error).message}`)
  }
}

/**
 * The bytes as they came. A sender that takes its time is cut off by the listener.
 * @throws TOO_LARGE
 */
export async function readBytes(request: Request): Promise<Uint8Array> {
  const limit = limits.payloadBytes
  const length = request.headers.get('content-length')
  if (Number(length ?? 0) > limit) throw tooLarge(limit)
  // A server reads no more than the length that was given, and whole at once it costs a third less than in chunks.
  if (length !== null) {
    const bytes = await request.arrayBuffer().catch(gone)
    if (bytes.byteLength > limit) throw tooLarge(limit)
    return new Uint8Array(bytes)
  }
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    // What counts is what comes.
    for await (const chunk of request.body ?? []) {
      size += chunk.byteLength
      if (size > limit) throw tooLarge(limit)
      chunks.push(chunk)
    }
  } catch (error) {
    if (errorCode(error) === undefined) gone()
    throw error
  }
  return Buffer.concat(chunks)
}

/**
 * The bytes of a secret, and nowhere else: what they came in is zeroed. `incoming`: as they left the socket.
 * @throws UNSUPPORTED_MEDIA_TYPE, TOO_LARGE
 */
export async function readSecret({
  request,
  incoming,
}: {
  readonly request: Request
  readonly incoming?: AsyncIterable<Uint8Array> | undefined
}): Promise<Uint8Array> {
  const type = request.headers.get('content-type') ?? 'none'
  if (!/^application\/octet-stream\s*(;|$)/i.test(type))
    throw new VigilError(
      'UNSUPPORTED_MEDIA_TYPE',
      `expected the bytes of a secret as application/octet-stream, found ${type}`,
    )
  const whole = Buffer.allocUnsafeSlow(limits.secretBytes)
  let size = 0
  try {
    for await (const chunk of incoming ?? request.body ?? []) {
      const fits = size + chunk.byteLength <= limits.secretBytes
      if (fits) whole.set(chunk, size)
      chunk.fill(0)
      if (!fits) throw tooLarge(limits.secretBytes)
      size += chunk.byteLength
    }
  } catch (error) {
    whole.fill(0)
    if (errorCode(error) === undefined) gone()
    throw error
  }
  whole.fill(0, size)
  return whole.subarray(0, size)
}

const gone = (): never => {
  throw new VigilError('ABORTED', 'the caller left before its body was whole')
}

const tooLarge = (limit: number): VigilError =>
  new VigilError('TOO_LARGE', `expected a body of at most ${limit} bytes, found more`)
