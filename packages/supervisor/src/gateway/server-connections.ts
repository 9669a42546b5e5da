import type { ServerProcesses } from '@vigil/isolate/host'
import type { ServerConnection, ToolServers } from '@vigil/protocol'
import { connectServer, type ServerConnectionParts } from './server-connection.ts'

/**
 * MCP servers on the real machine. Their clients live in the gateway thread, which parses what servers say; their programs are children of
 * core, which moves bytes between the two.
 */
export function serverConnections(parts: ServerConnectionParts & { readonly programs: ServerProcesses }): ToolServers {
  const open = new Set<ServerConnection>()
  return {
    connect({ server }, address, listener) {
      const connection = connectServer(parts, server, address, listener)
      open.add(connection)
      void connection.gone.then(() => open.delete(connection))
      return connection
    },
    async close() {
      await Promise.all([...open].map((each) => each.close()))
      await parts.programs.close()
    },
  }
}
