import type { ServerAddress, ServerConnection, ServerTool } from '@vigil/protocol'
import { describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { http, type Subject, simulated, stdio } from './tool-servers-subjects.ts'

const never = new AbortController().signal

interface Opened extends ServerConnection {
  readonly listed: ServerTool[][]
  readonly said: string[]
  readonly ends: string[]
}

function open({ port, address }: Subject, server = 'there', at: ServerAddress = address): Opened {
  const listed: ServerTool[][] = []
  const said: string[] = []
  const ends: string[] = []
  const connection = port.connect({ process: 'a', server }, at, {
    ready: (tools) => void listed.push([...tools]),
    output: (text) => void said.push(text),
    ended: (reason) => void ends.push(reason),
  })
  return { ...connection, listed, said, ends }
}

const ready = async (subject: Subject, opened: Opened): Promise<void> => {
  await until('it to be ready', async () => {
    await subject.advance()
    if (opened.ends.length > 0) throw new Error(`it ended: ${opened.ends[0]} ${opened.said.join()}`)
    return opened.listed.length > 0
  })
}

describe.each([
  ['over stdio', stdio],
  ['over HTTP', http],
  ['simulated', simulated],
])('a server of tools %s', (_, make) => {
  const on = (what: string, act: (subject: Subject) => Promise<void>): void =>
    test(what, async () => {
      const subject = await make()
      try {
        await act(subject)
      } finally {
        await subject.close()
      }
    })

  on('lists its tools and gives what they give', async (subject) => {
    const server = open(subject)
    await ready(subject, server)
    const tools = server.listed[0] ?? []
    expect(tools.map(({ name }) => name)).toEqual(['echo', 'sum', 'fails', 'waits', 'dies', 'large', 'paints'])
    expect(tools[0]).toMatchObject({ description: 'Says it again.', annotations: { readOnlyHint: true } })
    expect(tools[1]?.inputSchema).toMatchObject({ required: ['a', 'b'] })
    expect(await server.call('echo', { a: [1, 'ü'] }, never)).toEqual({ content: '{"a":[1,"ü"]}' })
    expect(await server.call('sum', { a: 1, b: 2 }, never)).toEqual({ content: '3', structured: { sum: 3 } })
    expect(await server.call('fails', {}, never)).toEqual({ content: 'that went wrong', is_error: true })
    const painted = await server.call('paints', {}, never)
    expect(painted).toMatchObject({ content: 'a picture', other: [{ type: 'image' }] })
    expect(server.ends).toEqual([])
  })

  on('hears when nobody waits for a call any more, and goes on', async (subject) => {
    const server = open(subject)
    await ready(subject, server)
    const giving = new AbortController()
    const call = server.call('waits', {}, giving.signal)
    await until('the call to be there', () => subject.notes(server.said).includes('it waits'))
    giving.abort(new Error('too late'))
    await expect(call).rejects.toThrow('too late')
    await until('it to hear', () => subject.notes(server.said).includes('it was told that nobody waits'))
    expect(await server.call('echo', {}, never)).toEqual({ content: '{}' })
  })

  on('that dies in the middle of a call says that it may have been done', async (subject) => {
    const server = open(subject)
    await ready(subject, server)
    const died = server.call('dies', {}, never)
    await expect(died).rejects.toMatchObject({ code: 'SERVER_FAILED' })
    await until('its end', () => server.ends.length > 0)
    await expect(server.call('echo', {}, never)).rejects.toMatchObject({ code: 'SERVER_UNAVAILABLE' })
    await server.close()
    expect(server.ends).toHaveLength(1)
  })

  on('that is closed ends once, and what is under way fails', async (subject) => {
    const server = open(subject)
    await ready(subject, server)
    const call = server.call('waits', {}, never)
    call.catch(() => undefined)
    await until('the call to be there', () => subject.notes(server.said).includes('it waits'))
    await Promise.all([server.close(), server.close()])
    await expect(call).rejects.toMatchObject({ code: 'SERVER_FAILED' })
    expect(server.ends).toHaveLength(1)
    await expect(server.call('echo', {}, never)).rejects.toMatchObject({ code: 'SERVER_UNAVAILABLE' })
  })

  on('that is not there ends with the reason', async (subject) => {
    const server = open(subject, 'nowhere', subject.nowhere)
    await until('its end', async () => {
      await subject.advance()
      return server.ends.length > 0
    })
    expect(server.listed).toEqual([])
    expect(server.ends[0]).not.toBe('')
  })
})
