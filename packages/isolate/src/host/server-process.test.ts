import { readdirSync, readFileSync } from 'node:fs'
import type { FileSystem } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { realClock } from '../../fixtures/launch.ts'
import { startTime } from './proc.ts'
import { serverProcesses } from './server-process.ts'

function started(command: string, args: readonly string[], memory: { memoryMb?: number; memoryPollMs?: number } = {}) {
  const { promise: ended, resolve } = Promise.withResolvers<string>()
  const programs = serverProcesses({ clock: realClock, fileSystem: {} as FileSystem, ...memory })
  const { promise: spoke, resolve: speak } = Promise.withResolvers<string>()
  const program = programs.start(
    { command, args, directory: '/', env: {} },
    { bytes: (chunk) => speak(Buffer.from(chunk).toString()), stderr: () => undefined, ended: resolve },
  )
  return { program, ended, spoke, programs }
}

const running = (word: string): number =>
  readdirSync('/proc').filter((pid) => {
    try {
      return startTime(Number(pid)) !== undefined && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word)
    } catch {
      return false
    }
  }).length

test('a program that takes too much memory is killed, with all that it has started', async () => {
  const hog = 'globalThis.held = Buffer.alloc(300_000_000, 1); setInterval(() => undefined, 1_000)'
  const script = `sleep 61.25 & exec ${process.execPath} -e '${hog}'`
  const { program, ended } = started('sh', ['-c', script], { memoryMb: 150, memoryPollMs: 50 })
  expect(await ended).toBe('it took more than 150 MB of memory')
  await program.gone
  expect(running('sleep\u000061.25')).toBe(0)
})

test('what it has started ends with it, also when it ends by itself', async () => {
  const { program, ended, spoke } = started('sh', ['-c', 'sleep 61.75 & echo up; read line; exit 4'])
  await spoke
  program.write('end\n')
  expect(await ended).toBe('it ended with 4')
  await program.gone
  expect(running('sleep\u000061.75')).toBe(0)
})

test('one that is asked to end has a second for it, and then another', async () => {
  const script = 'trap "echo asked; exit 0" TERM; echo up; while :; do sleep 0.05; done'
  const { program, ended, spoke, programs } = started('sh', ['-c', script])
  await spoke
  await programs.close()
  await program.gone
  expect(await ended).toBe('it was asked to end')
})
