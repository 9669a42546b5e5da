import { afterEach, expect } from 'vitest'

/**
 * The leak gate: after every test no timer, socket, watcher, child process or thread may be left that
 * was not there before the file began. Handles close asynchronously, so the gate polls, bounded.
 */
const watched = new Set([
  'Timeout',
  'TCPSocketWrap',
  'TCPServerWrap',
  'PipeWrap',
  'ProcessWrap',
  'FSEventWrap',
  'StatWatcher',
  'MessagePort',
  'Worker',
  'FILEHANDLE',
])
const patienceMs = 2_000

const live = (): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    if (watched.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  return counts
}

// The standard streams are opened by whoever looks at them first, and belong to the runner.
void [process.stdin, process.stdout, process.stderr]
const before = live()

const leaked = (): string[] =>
  [...live()]
    // vitest's own test timeout is one armed timer while the hook runs
    .map(([kind, count]) => [kind, count - (before.get(kind) ?? 0) - (kind === 'Timeout' ? 2 : 0)] as const)
    .filter(([, extra]) => extra > 0)
    .map(([kind, extra]) => `${kind} x ${extra}`)

afterEach(async () => {
  const deadline = performance.now() + patienceMs
  while (leaked().length > 0 && performance.now() < deadline) await new Promise((resolve) => setImmediate(resolve))
  expect(leaked(), 'left behind by this test').toEqual([])
})
