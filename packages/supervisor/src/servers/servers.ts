import { isDeepStrictEqual } from 'node:util'
import {
  type Clock,
  type JournalRecord,
  type ProcessName,
  type Random,
  type ServerTool,
  type ServerToolResult,
  serverToolName,
  splitToolName,
  type ToolServers,
  VigilError,
} from '@vigil/protocol'
import type { ProcessFold } from '../fold/process-fold.ts'
import type { ToolServer } from '../manifests/manifest.ts'
import type { RecordLog } from '../runtime/record-log.ts'
import type { Vault } from '../vault/vault.ts'
import { listedTools } from './listed-tools.ts'
import { serverAddress } from './server-address.ts'
import { type ServerLine, type ServerState, serverLine } from './server-line.ts'

/** What people see of a server of a process. */
export interface ServerStatus {
  readonly name: string
  readonly state: ServerState
  readonly error?: string
  /** How many tools of it may be called, as far as it is known. */
  readonly tools: number
}

/** The MCP servers of all processes: each has its own, made when they are needed and ended with it. */
export interface Servers {
  /** Resolves when the tools of all that can be reached are on record, and soon. Never rejects; undefined: there is nothing to wait for. */
  offered(process: ProcessFold): Promise<void> | undefined
  /** Resolves when the tools of the server of this name are on record. @throws SERVER_UNAVAILABLE */
  listed(process: ProcessFold, tool: string): Promise<void>
  /** @throws SERVER_UNAVAILABLE, SERVER_FAILED, TOO_LARGE, and the reason of `signal` */
  call(process: ProcessFold, tool: string, input: unknown, signal: AbortSignal): Promise<ServerToolResult>
  status(process: ProcessFold): ServerStatus[]
  /** Told of each durable record. */
  heard(record: JournalRecord): void
  close(): Promise<void>
}

export interface ServersParts {
  readonly log: RecordLog
  readonly clock: Clock
  readonly random: Random
  readonly vault: Pick<Vault, 'look'>
  readonly port: Pick<ToolServers, 'connect'>
  readonly tell: (process: string, level: 'info' | 'warn', message: string) => void
}

/** A turn begins without the tools of a server that takes longer. */
const patienceMs = 10_000

interface Held {
  readonly server: ToolServer
  readonly line: ServerLine
}

export function toolServers(parts: ServersParts): Servers {
  const { log, clock, port, tell } = parts
  const held = new Map<string, Map<string, Held>>()
  const leaving = new Set<Promise<void>>()
  let closed = false

  const put = (process: ProcessFold, server: string, found: readonly ServerTool[]): void => {
    if (log.world.get(process.name) !== process) return
    const { tools, left } = listedTools(server, found, process.manifest.servers?.[server]?.tools)
    if (left.length > 0)
      tell(process.name, 'warn', `tools of the server "${server}" that are left out: ${left.slice(0, 10).join('; ')}`)
    if (isDeepStrictEqual(process.serverTools.get(server), tools)) return
    const author = { process: process.name as ProcessName, epoch: process.epoch }
    log.commit([{ ...author, type: 'server.listed', data: { server, tools: [...tools] } }], 'lazy')
  }

  const hold = (process: ProcessFold, name: string, server: ToolServer): Held => {
    const line = serverLine({
      name,
      clock,
      async connect(listener) {
        const { address, secrets } = await serverAddress(parts, process, server)
        recordUse(process, address.kind === 'http' ? new URL(address.url).host : undefined, secrets)
        return port.connect({ process: process.name, server: name }, address, listener)
      },
      listed: (tools) => put(process, name, tools),
      output: (text) => tell(process.name, 'info', `${name}: ${text}`),
      lost: (reason) => tell(process.name, 'warn', `the server "${name}" is gone: ${reason}`),
    })
    return { server, line }
  }

  const recordUse = (process: ProcessFold, host: string | undefined, names: readonly string[]): void => {
    if (names.length === 0 || log.world.get(process.name) !== process) return
    const author = { process: process.name as ProcessName, epoch: process.epoch }
    const data = (name: string) => ({ name, ...(host === undefined ? {} : { host }) })
    log.commit(
      names.map((name) => ({ ...author, type: 'secret.used' as const, data: data(name) })),
      'lazy',
    )
  }

  const lineOf = (process: ProcessFold, tool: string): ServerLine => {
    const name = splitToolName(tool)?.server ?? ''
    const server = process.manifest.servers?.[name]
    if (server === undefined || closed)
      throw new VigilError('SERVER_UNAVAILABLE', `the manifest of ${process.name} has no server "${name}"`)
    const mine = held.getOrInsertComputed(process.name, () => new Map<string, Held>())
    return mine.getOrInsertComputed(name, () => hold(process, name, server)).line
  }

  const letGo = (process: string, how: 'when_done' | 'now', stays: (name: string, held: Held) => boolean): void => {
    const mine = held.get(process)
    for (const [name, each] of mine ?? []) {
      if (stays(name, each)) continue
      mine?.delete(name)
      const left = each.line.close(how)
      leaving.add(left)
      void left.finally(() => leaving.delete(left))
    }
    if (mine?.size === 0) held.delete(process)
  }

  return {
    offered(process) {
      if (closed) return undefined
      const names = Object.keys(process.manifest.servers ?? {})
      const lines = names.map((name) => lineOf(process, serverToolName(name, '')))
      if (lines.every(({ state }) => state === 'ready')) return undefined
      const all = lines.map((line) => line.ready())
      const late = Promise.withResolvers<void>()
      const timer = clock.setTimer(patienceMs, late.resolve)
      // Why one cannot be reached is in the log and the status.
      return Promise.race([Promise.allSettled(all).then(() => undefined), late.promise]).finally(() => timer.cancel())
    },
    async listed(process, tool) {
      const name = splitToolName(tool)?.server ?? ''
      const isKnown = process.serverTools.has(name) || !Object.hasOwn(process.manifest.servers ?? {}, name)
      if (!isKnown) await lineOf(process, tool).ready()
    },
    call: async (process, tool, input, signal) =>
      await lineOf(process, tool).call(splitToolName(tool)?.tool ?? '', input, signal),
    status: (process) =>
      Object.keys(process.manifest.servers ?? {}).map((name) => {
        const { state = 'idle', error } = held.get(process.name)?.get(name)?.line ?? {}
        const tools = process.serverTools.get(name)?.length ?? 0
        return { name, state, ...(error === undefined ? {} : { error }), tools }
      }),
    heard({ type, process: name }) {
      if (!held.has(name) || !changes.has(type)) return
      const process = log.world.get(name)
      if (process === undefined || type === 'process.removed') return letGo(name, 'now', () => false)
      const isMeantToRun = process.desired !== 'stopped' && process.parked === undefined
      const { servers = {} } = process.manifest
      letGo(name, 'when_done', (server, each) => isMeantToRun && isDeepStrictEqual(servers[server], each.server))
    },
    async close() {
      closed = true
      for (const name of [...held.keys()]) letGo(name, 'now', () => false)
      await Promise.all(leaving)
    },
  }
}

const changes: ReadonlySet<string> = new Set([
  'process.removed',
  'process.deployed',
  'process.desired',
  'process.parked',
])
