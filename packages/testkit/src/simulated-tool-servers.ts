import {
  type Clock,
  type ServerListener,
  type ServerOf,
  type ServerTool,
  type ServerToolResult,
  type ToolServers,
  VigilError,
} from '@vigil/protocol'

/** What a tool gives: its text, or a result. One that throws breaks the connection, as a server that dies would. */
export type SimulatedToolRun = (
  input: never,
  call: { readonly signal: AbortSignal },
) => string | ServerToolResult | Promise<string | ServerToolResult>

export type SimulatedTool = SimulatedToolRun | (Omit<ServerTool, 'name'> & { readonly run: SimulatedToolRun })

export interface SimulatedServer {
  readonly tools: Readonly<Record<string, SimulatedTool>>
  /** How long it takes to connect; default 0. */
  readonly connectMs?: number
  /** Why it cannot be reached. */
  readonly refuses?: string
}

export interface SimulatedToolServers extends ToolServers {
  /** Every call that reached a tool, oldest first. */
  readonly called: readonly (ServerOf & { readonly tool: string; readonly input: unknown })[]
  /** Connections that have not ended. */
  readonly living: readonly ServerOf[]
  readonly connects: number
  /** Ends the connections to a server, as its death would. */
  kill(server: string): void
  /** Another server stands there from now on; connections hear of its tools. */
  put(name: string, server: SimulatedServer): void
}

/** Servers that are functions, by the names that manifests give them. */
export function simulatedToolServers(
  given: Readonly<Record<string, SimulatedServer>>,
  { clock }: { readonly clock: Clock },
): SimulatedToolServers {
  const servers = new Map(Object.entries(given))
  const called: (ServerOf & { tool: string; input: unknown })[] = []
  const living = new Set<Connection>()
  let connects = 0

  return {
    called,
    get living() {
      return [...living].map(({ of }) => of)
    },
    get connects() {
      return connects
    },
    kill(server) {
      for (const each of [...living]) if (each.of.server === server) each.end('it died')
    },
    put(name, server) {
      servers.set(name, server)
      for (const each of living) if (each.of.server === name && each.isReady) each.listener.ready(toolsOf(server))
    },
    connect(of, _address, listener) {
      connects += 1
      const mine = connection(of, listener, () => living.delete(mine))
      living.add(mine)
      const server = servers.get(of.server)
      clock.setTimer(server?.connectMs ?? 0, () => {
        if (server === undefined) mine.end('nobody answers')
        else if (server.refuses !== undefined) mine.end(server.refuses)
        else mine.begin(toolsOf(server))
      })
      return {
        async call(tool, input, signal) {
          signal.throwIfAborted()
          if (!mine.isReady || !living.has(mine)) throw gone(of)
          called.push({ ...of, tool, input })
          return await mine.under(run(servers.get(of.server)?.tools[tool], tool, input, signal), signal)
        },
        async close() {
          mine.end('it was closed')
        },
      }
    },
    async close() {
      for (const each of [...living]) each.end('it was closed')
    },
  }
}

const gone = ({ server }: ServerOf): VigilError => new VigilError('SERVER_UNAVAILABLE', `"${server}" is gone`)

interface Connection {
  readonly of: ServerOf
  readonly listener: ServerListener
  readonly isReady: boolean
  begin(tools: readonly ServerTool[]): void
  end(reason: string): void
  under(call: Promise<ServerToolResult>, signal: AbortSignal): Promise<ServerToolResult>
}

function connection(of: ServerOf, listener: ServerListener, ended: () => void): Connection {
  const broken = new AbortController()
  let isReady = false
  const mine: Connection = {
    of,
    listener,
    get isReady() {
      return isReady
    },
    begin(tools) {
      if (broken.signal.aborted) return
      isReady = true
      listener.ready(tools)
    },
    end(reason) {
      if (broken.signal.aborted) return
      broken.abort(new VigilError('SERVER_FAILED', `"${of.server}" ended in the middle of the call: ${reason}`))
      ended()
      listener.ended(reason)
    },
    under(call, signal) {
      const { promise, reject } = Promise.withResolvers<never>()
      const stop = (): void => reject(broken.signal.aborted ? broken.signal.reason : signal.reason)
      broken.signal.addEventListener('abort', stop, { once: true })
      signal.addEventListener('abort', stop, { once: true })
      // A tool that throws takes its server down.
      call.catch(() => mine.end('its tool threw'))
      return Promise.race([call.catch(() => promise), promise]).finally(() => {
        broken.signal.removeEventListener('abort', stop)
        signal.removeEventListener('abort', stop)
      })
    },
  }
  return mine
}

const toolsOf = ({ tools }: SimulatedServer): ServerTool[] =>
  Object.entries(tools).map(([name, tool]) => {
    if (typeof tool === 'function') return { name }
    const { run: _, ...described } = tool
    return { name, ...described }
  })

async function run(
  tool: SimulatedTool | undefined,
  name: string,
  input: unknown,
  signal: AbortSignal,
): Promise<ServerToolResult> {
  if (tool === undefined) return { content: `unknown tool: ${name}`, is_error: true }
  const given = await (typeof tool === 'function' ? tool : tool.run)(input as never, { signal })
  return typeof given === 'string' ? { content: given } : given
}
