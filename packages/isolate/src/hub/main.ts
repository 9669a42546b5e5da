import { Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { limits } from '../wire/caps.ts'
import { type Entry, frameDecoder, guestSlot, hubSlot, tokenBytes } from '../wire/frame.ts'
import { frameQueue } from '../wire/frame-queue.ts'
import { beatMs, type HubCommand, type HubReport } from '../wire/hub-protocol.ts'

/**
 * The main thread of a cell: relays strings between ring 0 and the guest thread, never parses them, and reports. It
 * ends only by SIGKILL to its own group: exit() would wait behind a thread that is stuck in a system call. It is
 * handed over as source on stdin and runs with no right but to start threads.
 */
const dieWithGroup = (): void => {
  process.kill(-process.pid, 'SIGKILL')
}

// A service manager or a terminal signals every process it can find; it is ring 0 that drains, and then ends its cells.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)

const channel = new Socket({ fd: 3, readable: true, writable: true })
// Ring 0 is gone, also when it was killed: no guest may outlive what its outcomes were recorded in.
channel.on('end', dieWithGroup)
channel.on('close', dieWithGroup)
channel.on('error', dieWithGroup)

let send: (entry: Entry) => void = () => undefined
let worker: Worker | undefined
const report = (message: HubReport): void => send({ slot: hubSlot, text: JSON.stringify(message) })

const decoder = frameDecoder(undefined, limits.frameBytes)
channel.on('data', (chunk: Buffer) => {
  for (const frame of decoder.push(chunk)) {
    if ('forged' in frame) return dieWithGroup()
    for (const entry of frame.entries) {
      if (entry.slot === guestSlot) worker?.postMessage(entry.text)
      else obey(JSON.parse(entry.text) as HubCommand)
    }
  }
})

function obey(command: HubCommand): void {
  switch (command.t) {
    case 'hello': {
      // Read before any guest thread exists; no later frame of ring 0 repeats it.
      const token = Buffer.from(command.token, 'hex').subarray(0, tokenBytes)
      send = frameQueue(token, { entries: limits.batchEntries, bytes: limits.batchBytes }, (frame) =>
        channel.write(frame),
      )
      return
    }
    case 'place':
      place(command)
      return
    case 'ask':
      worker?.postMessage({ ask: true })
      return
    case 'terminate':
      void worker?.terminate()
  }
}

function place({ runtime, boot, oldGenerationMb }: Extract<HubCommand, { t: 'place' }>): void {
  const beats = new Int32Array(new SharedArrayBuffer(4))
  // The wrapper keeps `require` in a scope of the runtime: the global one is taken away before agent code runs.
  const source = `((require, module, exports) => {${runtime}\n})(require, module, exports)`
  worker = new Worker(source, {
    eval: true,
    execArgv: ['--permission'],
    env: {},
    stdin: false,
    stdout: true,
    stderr: true,
    workerData: { boot, beats },
    resourceLimits: { maxOldGenerationSizeMb: oldGenerationMb },
  })
  worker.on('online', () => report({ t: 'started' }))
  worker.on('message', (text: unknown) => {
    if (typeof text === 'string') send({ slot: guestSlot, text })
  })
  let failure: { message: string; stack?: string; code?: string } | undefined
  worker.on('error', (thrown: unknown) => {
    const { message, stack, code }: NodeJS.ErrnoException = thrown instanceof Error ? thrown : new Error(String(thrown))
    failure = { message, ...(stack === undefined ? {} : { stack }), ...(code === undefined ? {} : { code }) }
  })
  worker.on('exit', (code) => report({ t: 'ended', code, ...(failure === undefined ? {} : { error: failure }) }))
  relayOutput('stdout', worker.stdout)
  relayOutput('stderr', worker.stderr)
  setInterval(() => report({ t: 'beat', beats: Atomics.load(beats, 0) }), beatMs)
}

/** Whole lines, at most so many a second: an agent that prints without end must not fill the wire. */
function relayOutput(stream: 'stdout' | 'stderr', source: NodeJS.ReadableStream): void {
  let allowed: number = limits.linesPerSecond
  let dropped = 0
  setInterval(() => {
    if (dropped > 0) report({ t: 'output', stream, text: `${dropped} lines more were dropped` })
    allowed = limits.linesPerSecond
    dropped = 0
  }, 1_000)
  source.setEncoding('utf8')
  source.on('data', (text: string) => {
    for (const line of text.split('\n')) {
      if (line === '') continue
      if (allowed > 0) report({ t: 'output', stream, text: line.slice(0, limits.lineBytes) })
      else dropped += 1
      allowed -= 1
    }
  })
}
