import { fileURLToPath } from 'node:url'
import { nodeFileSystem } from '@vigil/journal'
import type { ServerAddress, ToolServers } from '@vigil/protocol'
import { simulatedToolServers, virtualClock } from '@vigil/testkit'
import { serverProcesses } from '../../packages/isolate/src/host/index.ts'
import { gatewayLink } from '../../packages/supervisor/src/gateway/gateway-link.ts'
import { serverConnections } from '../../packages/supervisor/src/gateway/server-connections.ts'
import { systemClock } from '../../packages/supervisor/src/platform/clock.ts'
import { mcpHttpServer } from '../support/mcp-http.ts'

/** A port with a server of the seven tools of the fixture, behind one face for the contract. */
export interface Subject {
  readonly port: ToolServers
  readonly address: ServerAddress
  /** Nobody is there. */
  readonly nowhere: ServerAddress
  advance(): Promise<void>
  /** What the server said in words. */
  notes(said: readonly string[]): readonly string[]
  close(): Promise<void>
}

const stdioAddress = (...args: string[]): Extract<ServerAddress, { kind: 'stdio' }> => ({
  kind: 'stdio',
  command: process.execPath,
  args: ['--no-warnings', fileURLToPath(new URL('../fixtures/mcp/stdio.ts', import.meta.url)), ...args],
  env: {},
  directory: fileURLToPath(new URL('../fixtures', import.meta.url)),
})

const real = () => {
  const clock = systemClock()
  const link = gatewayLink({ clock })
  const port = serverConnections({ link, clock, programs: serverProcesses({ clock, fileSystem: nodeFileSystem() }) })
  return {
    port,
    advance: () => new Promise<void>((resolve) => setTimeout(resolve, 5)),
    async close() {
      await port.close()
      await link.close()
      clock.close()
    },
  }
}

export async function stdio(): Promise<Subject> {
  return {
    ...real(),
    address: stdioAddress(),
    nowhere: { kind: 'stdio', command: '/nowhere/at-all', args: [], env: {}, directory: '/' },
    notes: (said) => said,
  }
}

export async function http(): Promise<Subject> {
  const server = await mcpHttpServer()
  const { close, ...port } = real()
  return {
    ...port,
    address: { kind: 'http', url: server.url, headers: {}, secrets: [] },
    nowhere: { kind: 'http', url: 'http://127.0.0.1:1/mcp', headers: {}, secrets: [] },
    notes: () => server.notes,
    async close() {
      await close()
      await server[Symbol.asyncDispose]()
    },
  }
}

export async function simulated(): Promise<Subject> {
  const clock = virtualClock()
  const said: string[] = []
  const named = { inputSchema: { type: 'object' } }
  const numbers = { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] }
  const port = simulatedToolServers(
    {
      there: {
        tools: {
          echo: {
            ...named,
            description: 'Says it again.',
            annotations: { readOnlyHint: true },
            run: (input) => JSON.stringify(input),
          },
          sum: {
            inputSchema: numbers,
            run: ({ a, b }: { a: number; b: number }) => ({ content: `${a + b}`, structured: { sum: a + b } }),
          },
          fails: {
            ...named,
            annotations: { destructiveHint: true },
            run: () => ({ content: 'that went wrong', is_error: true }),
          },
          waits: {
            ...named,
            async run(_input, { signal }) {
              said.push('it waits')
              await new Promise((resolve) => signal.addEventListener('abort', resolve))
              said.push('it was told that nobody waits')
              return ''
            },
          },
          dies: {
            ...named,
            run: () => {
              throw new Error('it dies')
            },
          },
          large: { ...named, run: () => 'x'.repeat(1_500_000) },
          paints: { ...named, run: () => ({ content: 'a picture', other: [{ type: 'image', bytes: 55 }] }) },
        },
      },
    },
    { clock },
  )
  return {
    port,
    address: stdioAddress(),
    nowhere: stdioAddress('nowhere'),
    notes: () => said,
    async advance() {
      await clock.advance(1)
      await new Promise<void>((resolve) => setImmediate(resolve))
    },
    close: () => port.close(),
  }
}
