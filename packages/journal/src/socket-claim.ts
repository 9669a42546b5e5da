import { unlinkSync } from 'node:fs'
import { connect, createServer } from 'node:net'

/**
 * A name that one process at a time can have: a listening socket. An abstract name (`\0...`) is freed by the kernel
 * with its owner. A socket file outlives kill -9, so one at which nobody listens is taken over.
 */
export interface SocketClaim {
  release(): Promise<void>
}

/** Undefined when somebody else has it. */
export async function claimSocket(path: string): Promise<SocketClaim | undefined> {
  const claim = await listen(path)
  if (claim !== undefined || path.startsWith('\0') || (await answers(path))) return claim
  unlinkSync(path)
  return listen(path)
}

function listen(path: string): Promise<SocketClaim | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy())
    server.unref()
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    )
    const release = (): Promise<void> => new Promise((released) => server.close(() => released()))
    server.listen({ path }, () => resolve({ release }))
  })
}

/** Only a refusal, or that there is no such name, proves that the owner is gone; the kernel gives it at once. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(!['ECONNREFUSED', 'ENOENT'].includes(error.code ?? '')),
    )
  })
}
