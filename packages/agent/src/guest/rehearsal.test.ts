import type { GuestMessage } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { guestMain } from './guest.ts'
import { rehearse } from './rehearsal.ts'

test('a rehearsal is one whole turn with a step and its reply, and nothing of it is left in the globals', async () => {
  const said: GuestMessage[] = []
  const globals = { fetch, log: console.log }
  const takeGlobals = () => ({ run: <T>(_context: unknown, work: () => T): T => work() })
  const ended = Promise.withResolvers<void>()
  rehearse((load) => (boot, port) => {
    const post = (text: string): void => {
      const message = JSON.parse(text) as GuestMessage
      said.push(message)
      if (message.t === 'completed' || message.t === 'threw') ended.resolve()
      port.post(text)
    }
    guestMain(load, { takeGlobals, nextTurn: setImmediate, after: () => () => undefined })(boot, { ...port, post })
  })
  await ended.promise
  expect(said.map(({ t }) => t)).toEqual(['ready', 'log', 'call', 'completed'])
  expect({ fetch, log: console.log }).toEqual(globals)
})
