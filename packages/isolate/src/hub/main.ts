import { Socket } from 'node:net'
import { limits } from '../wire/caps.ts'
import { type Entry, frameDecoder, hubSlot, tokenBytes } from '../wire/frame.ts'
import { frameQueue } from '../wire/frame-queue.ts'
import { decodeCommand } from '../wire/hub-command.ts'
import { beatMs, type HubCommand, type HubReport } from '../wire/hub-protocol.ts'
import { type GuestThread, openThread } from './thread.ts'

/**
 * The main thread of a cell: relays strings between ring 0 and the guest threads, never parses them, and reports. It
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
const threads = new Map<number, GuestThread>()
const report = (message: HubReport): void => send({ slot: hubSlot, text: JSON.stringify(message) })

const decoder = frameDecoder(undefined, limits.frameBytes)
channel.on('data', (chunk: Buffer) => {
  for (const frame of decoder.push(chunk)) {
    if ('forged' in frame) return dieWithGroup()
    for (const entry of frame.entries) {
      if (entry.slot === hubSlot) obey(decodeCommand(entry.text))
      else threads.get(entry.slot)?.post(entry.text)
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
      setInterval(() => report({ t: 'beat', guests: [...threads.values()].map((thread) => thread.beat()) }), beatMs)
      return
    }
    case 'open': {
      const { slot, rights } = command
      // A worker can be wider than its process; a guest never is.
      if (!rights.every((right) => process.execArgv.includes(right))) return dieWithGroup()
      const ended = (end: Omit<Extract<HubReport, { t: 'ended' }>, 't' | 'slot'>): void => {
        threads.delete(slot)
        report({ t: 'ended', slot, ...end })
      }
      threads.set(slot, openThread(command, { report, say: (text) => send({ slot, text }), ended }))
      return
    }
    case 'place':
      threads.get(command.slot)?.place(command)
      return
    case 'lend':
      threads.get(command.slot)?.lent.lend(command.id, command.bytes)
      return
    case 'take_back':
      threads.get(command.slot)?.lent.takeBack(command.id)
      return
    case 'ask':
      threads.get(command.slot)?.ask()
      return
    case 'terminate':
      threads.get(command.slot)?.terminate()
  }
}
