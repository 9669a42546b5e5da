import { type ModelReply, type ModelRequest, VigilError } from '@vigil/protocol'

/** The provider of the models that are built in: what they say is marked as simulated, and no other model is ever one of them. */
export const simulatedProvider = 'sim'

/** @throws MODEL_NOT_FOUND for a name that none of them has */
export function simulatedReply(name: string, request: ModelRequest): ModelReply {
  if (name !== 'echo')
    throw new VigilError('MODEL_NOT_FOUND', `expected a simulated model (sim:echo), found sim:${name}`)
  const text = request.messages.findLast(({ role }) => role === 'user')?.text ?? ''
  const input = request.messages.reduce((bytes, message) => bytes + Buffer.byteLength(message.text), 0)
  return {
    text,
    calls: [],
    finish: 'stop',
    usage: { input, output: Buffer.byteLength(text), estimated: true },
    usd: 0,
    model: `${simulatedProvider}:${name}`,
    simulated: true,
  }
}
