import type { IncomingMessage } from 'node:http'

/** More than the largest context of a model takes. */
const longestBytes = 16 * 1_024 * 1_024

/** The JSON object of a request, none being an empty one; or what is wrong with it. */
export async function bodyOf(incoming: IncomingMessage): Promise<Readonly<Record<string, unknown>> | string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > longestBytes) return `the body is longer than ${longestBytes} bytes`
    chunks.push(chunk)
  }
  if (bytes === 0) return {}
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString())
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>
  } catch {}
  return 'We could not parse the JSON body of your request.'
}
