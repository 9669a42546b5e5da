/**
 * Takes away what node's permission model leaves open, before agent code runs. A seat belt, not a sandbox: it
 * closes the measured ways by which one thread can end, read or rewire its whole process.
 */
const dangerous = [
  'kill',
  '_kill',
  'binding',
  '_linkedBinding',
  'dlopen',
  'reallyExit',
  'abort',
  'getBuiltinModule',
  'report',
  'mainModule',
  'chdir',
  'umask',
  'setuid',
  'setgid',
  'seteuid',
  'setegid',
  'setgroups',
  'initgroups',
  'loadEnvFile',
  'execve',
  '_debugProcess',
  '_debugEnd',
  '_startProfilerIdleNotifier',
  '_stopProfilerIdleNotifier',
  '_getActiveHandles',
  '_getActiveRequests',
] as const

/** Left by `eval: true`, which runs a worker's source like `node -e`. */
const leftGlobals = ['require', 'module', 'exports', '__filename', '__dirname'] as const

export function harden(): void {
  const exit = exitOfThread()
  for (const name of dangerous) remove(process, name)
  for (const name of leftGlobals) remove(globalThis, name)
  Object.defineProperty(process, 'exit', { value: exit, configurable: false, writable: false })
  // A title is shared by all threads of the process; what `ps` shows is ours.
  Object.defineProperty(process, 'title', { get: () => 'vigil-cell', set: () => undefined, configurable: false })
}

/** process.exit looks `reallyExit` up when it is called, so the pair is bound before the second goes. */
function exitOfThread(): typeof process.exit {
  const really = (process as unknown as { reallyExit: (code?: number) => never }).reallyExit.bind(process)
  return ((code?: number | string | null): never => {
    process.exitCode = code ?? process.exitCode ?? 0
    return really(Number(process.exitCode))
  }) as typeof process.exit
}

function remove(target: object, name: string): void {
  const { [name]: found } = target as Record<string, unknown>
  if (found === undefined && !(name in target)) return
  if (!Reflect.deleteProperty(target, name) || name in target) {
    Object.defineProperty(target, name, { value: undefined, configurable: false, writable: false })
  }
}
