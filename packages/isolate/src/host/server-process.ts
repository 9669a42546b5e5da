import { type ChildProcess, spawn } from 'node:child_process'
import { type Clock, type FileSystem, stopLadder, type Timer } from '@vigil/protocol'
import { lastLine } from './exit-cause.ts'
import { emptyHome, groupResidentBytes, ofServer, removeHome, yieldToOthers } from './proc.ts'
import { killGroup, type RunNotes, runNotes } from './run-notes.ts'

/** A program that ring 0 runs for an agent and speaks with over its standard streams. */
export interface ServerProgram {
  readonly command: string
  readonly args: readonly string[]
  readonly directory: string
  /** Its whole environment beside PATH and HOME. */
  readonly env: Readonly<Record<string, string>>
}

/** `ended` comes exactly once and last. */
export interface ServerProgramListener {
  /** Memory of its own. */
  bytes(chunk: Uint8Array): void
  stderr(chunk: string): void
  ended(reason: string): void
}

export interface ServerProcess {
  /** Resolves when a successor would find it. */
  readonly noted: Promise<void>
  write(text: string): void
  /** So many of its bytes were taken; what nobody takes waits in the pipe. */
  taken(bytes: number): void
  /** Closes its stdin, asks its group to end, and kills it. */
  stop(): void
  kill(reason: string): void
  /** Resolves when nothing of it is left. */
  readonly gone: Promise<void>
}

export interface ServerProcesses {
  start(program: ServerProgram, listener: ServerProgramListener): ServerProcess
  close(): Promise<void>
}

export interface ServerProcessesOptions {
  readonly clock: Clock
  readonly fileSystem: FileSystem
  /** Where living ones are noted, beside the cells: whoever ends the orphans of one ends those of the other. */
  readonly runDirectory?: string
  /** Of all that one has started, together; default 1,024. */
  readonly memoryMb?: number
  /** How often that is looked at; default every 5 s. */
  readonly memoryPollMs?: number
}

/** What is on its way to whoever reads, and what the program has not read. */
const mostUnread = 2_000_000
const mostUnwritten = 8_000_000
const defaultMemoryMb = 1_024
/** To find the members of a group all processes of the machine are looked at. */
const defaultMemoryPollMs = 5_000
const stderrTailBytes = 2_000

export function serverProcesses({
  clock,
  fileSystem,
  runDirectory,
  memoryMb = defaultMemoryMb,
  memoryPollMs = defaultMemoryPollMs,
}: ServerProcessesOptions): ServerProcesses {
  const notes = runNotes(fileSystem, runDirectory)
  const living = new Set<ServerProcess>()
  return {
    start(program, listener) {
      const started = startServer({ clock, notes, memoryMb, memoryPollMs }, program, listener)
      living.add(started)
      void started.gone.then(() => living.delete(started))
      return started
    },
    async close() {
      for (const each of living) each.stop()
      await Promise.all([...living].map(({ gone }) => gone))
    },
  }
}

interface ServerParts {
  readonly clock: Clock
  readonly notes: RunNotes
  readonly memoryMb: number
  readonly memoryPollMs: number
}

function startServer(
  { clock, notes, memoryMb, memoryPollMs }: ServerParts,
  { command, args, directory, env }: ServerProgram,
  listener: ServerProgramListener,
): ServerProcess {
  const home = emptyHome()
  const { PATH = '' } = process.env
  const child: ChildProcess = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    cwd: directory,
    env: { PATH, HOME: home, ...env },
  })
  const { pid } = child
  if (pid !== undefined) yieldToOthers(pid, ofServer)
  const { promise: gone, resolve } = Promise.withResolvers<void>()
  const timers = new Set<Timer>()
  const after = (ms: number, act: () => void): void => void timers.add(clock.setTimer(ms, act))
  let unread = 0
  let tail = ''
  let sentence: string | undefined
  let over = false

  const kill = (reason: string): void => {
    sentence ??= reason
    if (!over && pid !== undefined) killGroup(pid)
  }
  const ask = (signal: NodeJS.Signals): void => {
    try {
      if (!over && pid !== undefined) process.kill(-pid, signal)
    } catch {
      // It is gone already.
    }
  }
  const weigh = (): void => {
    if (over || pid === undefined) return
    if ((groupResidentBytes(pid) ?? 0) > memoryMb * 1_048_576) return kill(`it took more than ${memoryMb} MB of memory`)
    after(memoryPollMs, weigh)
  }
  after(memoryPollMs, weigh)

  const bury = (reason: string): void => {
    if (over) return
    over = true
    for (const timer of timers) timer.cancel()
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
    removeHome(home)
    listener.ended(sentence ?? reason)
    void notes
      .remove(pid ?? 0)
      .catch(() => undefined)
      .finally(resolve)
  }
  child.on('error', (error) => bury(`it could not be started: ${error.message}`))
  child.on('exit', (code, signal) => {
    if (pid !== undefined) killGroup(pid)
    const words = lastLine(tail)
    const reason = `it ended with ${signal ?? code}${words === '' ? '' : `: ${words}`}`
    // A grandchild may hold the pipes open after it is dead.
    after(stopLadder.buryMs, () => bury(reason))
    child.on('close', () => bury(reason))
  })
  child.stdin?.on('error', () => undefined)
  child.stdout?.on('data', (chunk: Buffer) => {
    unread += chunk.byteLength
    if (unread > mostUnread) child.stdout?.pause()
    listener.bytes(new Uint8Array(chunk))
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    const text = chunk.toString()
    tail = (tail + text).slice(-stderrTailBytes)
    listener.stderr(text)
  })
  const noted = pid === undefined ? Promise.resolve() : notes.write(pid, home)
  noted.catch((error: Error) => kill(`it could not be noted: ${error.message}`))

  return {
    gone,
    noted,
    write(text) {
      if (over || child.stdin === null) return
      if (child.stdin.writableLength > mostUnwritten) return kill('it stopped reading')
      child.stdin.write(text)
    },
    taken(bytes) {
      unread -= bytes
      if (unread <= mostUnread / 2) child.stdout?.resume()
    },
    stop() {
      if (over) return
      sentence ??= 'it was asked to end'
      child.stdin?.end()
      // What it still says is read by nobody.
      child.stdout?.resume()
      after(stopLadder.askMs, () => ask('SIGTERM'))
      after(stopLadder.askMs * 2, () => kill('it did not end when it was asked to'))
    },
    kill,
  }
}
