import type { MessagePort } from 'node:worker_threads'
import { Client, type Tool, type Transport } from '@modelcontextprotocol/client'
import { type Clock, limits, type ServerTool, type Timer } from '@vigil/protocol'
import packageJson from '../../package.json' with { type: 'json' }
import { reasonOf } from './failure-cause.ts'
import type { FromServerLane, LaneAddress, ToServerLane } from './messages.ts'
import type { Resolver } from './pinned-connector.ts'
import { floodGuard } from './server-flood.ts'
import { httpTransport } from './server-http.ts'
import { callFailure, toolResult } from './server-result.ts'
import { type StdioTransport, stdioTransport } from './server-stdio.ts'

/** Core has the deadlines: it ends what takes too long. These only see that nothing stays for ever. */
const longestMs = 2_147_483_647
const handshakeMs = 120_000
const mostPages = 20
/** A server that changes its tools all the time is listed so often and no more. */
const relistMs = 1_000

export interface ServerClientOptions {
  readonly clock: Clock
  readonly ownPorts: ReadonlySet<number>
  readonly resolver?: Resolver | undefined
}

/** The client of one MCP server, at the end of a lane. It asks nothing of the house, and offers the server nothing. */
export function serverClient(
  lane: MessagePort,
  address: LaneAddress,
  options: ServerClientOptions,
): { end(): Promise<void> } {
  const tell = (message: FromServerLane): void => lane.postMessage(message)
  const client = new Client({ name: 'vigil', version: packageJson.version }, { capabilities: {} })
  const calls = new Map<number, AbortController>()
  let relist: Timer | undefined
  let ending: Promise<void> | undefined
  let stdio: StdioTransport | undefined

  const end = (reason: string): Promise<void> => {
    ending ??= finish(reason)
    return ending
  }
  const http =
    address.kind === 'http'
      ? httpTransport(address, {
          ...options,
          unanswered: () => void end('the connection broke before the answer came'),
        })
      : undefined
  if (http === undefined) stdio = stdioTransport(tell, (reason) => void end(reason))
  const transport = (http?.transport ?? stdio) as Transport
  const guard = floodGuard(options.clock, (reason) => void end(reason))
  // The client calls it before it looks at a message itself.
  transport.onmessage = guard

  async function finish(reason: string): Promise<void> {
    relist?.cancel()
    // Before calls under way hear that they are over: core says of them what is known.
    tell({ kind: 'ended', reason })
    await http?.end()
    await client.close().catch(() => undefined)
    lane.close()
  }

  const list = async (): Promise<void> => {
    const tools: ServerTool[] = []
    let cursor: string | undefined
    for (let page = 0; page < mostPages; page += 1) {
      const params = cursor === undefined ? {} : { cursor }
      const { tools: found, nextCursor } = await client.request(
        { method: 'tools/list', params },
        { timeout: handshakeMs },
      )
      tools.push(...found.map(told))
      if (nextCursor === undefined || nextCursor === cursor) break
      cursor = nextCursor
    }
    if (ending === undefined) tell({ kind: 'ready', tools: tools.slice(0, mostTools) })
  }

  const begin = async (): Promise<void> => {
    client.setNotificationHandler('notifications/tools/list_changed', () => {
      relist ??= options.clock.setTimer(relistMs, () => {
        relist = undefined
        list().catch((error: unknown) => tell({ kind: 'note', text: `its tools cannot be listed: ${reasonOf(error)}` }))
      })
    })
    await client.connect(transport, { timeout: handshakeMs })
    client.onclose = () => void end('it closed the connection')
    if (client.getServerCapabilities()?.tools === undefined) tell({ kind: 'ready', tools: [] })
    else await list()
  }

  const call = async ({ call: id, tool, input }: Extract<ToServerLane, { kind: 'call' }>): Promise<void> => {
    const caller = new AbortController()
    calls.set(id, caller)
    try {
      const params = { name: tool, arguments: input as Record<string, unknown> }
      const result = await client.request(
        { method: 'tools/call', params },
        // Whoever is told of progress keeps the connection open meanwhile.
        { signal: caller.signal, timeout: longestMs, onprogress: () => undefined },
      )
      tell({ kind: 'result', call: id, result: toolResult(result) })
    } catch (error) {
      if (ending !== undefined || caller.signal.aborted) return
      const { code, message, ends } = callFailure(error)
      tell({ kind: 'failed', call: id, code, message })
      if (ends) void end(message)
    } finally {
      calls.delete(id)
    }
  }

  lane.on('message', (message: ToServerLane) => {
    switch (message.kind) {
      case 'bytes':
        return stdio?.bytes(message.bytes)
      case 'call':
        return void call(message)
      case 'cancel':
        return calls.get(message.call)?.abort(message.reason)
      case 'close':
        return void end('it was closed')
    }
  })
  lane.on('close', () => void end('core is gone'))
  begin().catch((error: unknown) => end(reasonOf(error)))
  return { end: () => end('it was closed') }
}

/** More than are taken, because the manifest may choose among them. */
const mostTools = limits.serverTools * 10

function told({ name, description, inputSchema, annotations }: Tool): ServerTool {
  const { readOnlyHint, idempotentHint, destructiveHint } = annotations ?? {}
  return {
    name,
    ...(description === undefined ? {} : { description }),
    inputSchema: inputSchema as Record<string, unknown>,
    annotations: {
      ...(readOnlyHint === undefined ? {} : { readOnlyHint }),
      ...(idempotentHint === undefined ? {} : { idempotentHint }),
      ...(destructiveHint === undefined ? {} : { destructiveHint }),
    },
  }
}
