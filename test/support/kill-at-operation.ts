import fs from 'node:fs'
import { open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { isMainThread } from 'node:worker_threads'

/**
 * Preloaded into a process that is to die by SIGKILL at its VIGIL_KILL_AT th file operation, before or after it is done
 * (VIGIL_KILL_WHEN). 0: it is left to live.
 */
// Threads are preloaded too, and would count for themselves.
const at = isMainThread ? Number(process.env['VIGIL_KILL_AT'] ?? 0) : 0
const after = process.env['VIGIL_KILL_WHEN'] === 'after'
let operations = 0

type Act = (...args: unknown[]) => unknown
const die = (): void => void process.kill(process.pid, 'SIGKILL')

function watched(act: Act): Act {
  return function (this: unknown, ...args: unknown[]): unknown {
    operations += 1
    if (operations !== at) return act.apply(this, args)
    if (!after) die()
    const done = act.apply(this, args)
    if (done instanceof Promise) return done.finally(die)
    die()
    return done
  }
}

function watch(owner: object, names: readonly string[]): void {
  const table = owner as Record<string, Act>
  for (const name of names) table[name] = watched(table[name] as Act)
}

const handle = await open('/dev/null')
watch(Object.getPrototypeOf(handle), ['datasync', 'sync', 'truncate'])
await handle.close()
watch(fs, ['writeSync'])
watch(fs.promises, ['open', 'rename', 'unlink', 'mkdir'])
syncBuiltinESMExports()
