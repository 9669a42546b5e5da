import { serverProcesses } from '@vigil/isolate/host'
import { nodeFileSystem } from '@vigil/journal'
import { expect, test } from 'vitest'
import { systemClock } from '../platform/clock.ts'
import { connectServer } from './server-connection.ts'

test('when the thread of its client dies a connection ends, and its program with it', async () => {
  const clock = systemClock()
  const programs = serverProcesses({ clock, fileSystem: nodeFileSystem() })
  const ends: string[] = []
  const connection = connectServer(
    // A thread that dies takes the end of each lane with it that it was given.
    { clock, programs, link: { attach: (_message, lane) => lane.close(), suspect: () => undefined } },
    's',
    { kind: 'stdio', command: 'cat', args: [], env: {}, directory: '/' },
    { ready: () => undefined, output: () => undefined, ended: (reason) => void ends.push(reason) },
  )
  const call = connection.call('echo', {}, new AbortController().signal)
  await expect(call).rejects.toMatchObject({ code: 'SERVER_FAILED' })
  await connection.gone
  expect(ends).toEqual(['the gateway thread is gone'])
  await programs.close()
  clock.close()
})
