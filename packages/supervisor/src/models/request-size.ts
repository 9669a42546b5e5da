import type { EmbedRequest, ModelRequest } from '@vigil/protocol'

/** Tokens of a request at the most: none has less than a byte, and what a provider adds around a message is shorter than its JSON. */
export function requestTokens(
  request:
    | Pick<ModelRequest, 'messages' | 'tools' | 'schema'>
    | { readonly texts: EmbedRequest['texts'] | readonly string[] },
): number {
  if ('texts' in request) return Buffer.byteLength(JSON.stringify(request.texts))
  const { messages, tools, schema } = request
  return Buffer.byteLength(JSON.stringify([messages, tools, schema]))
}
