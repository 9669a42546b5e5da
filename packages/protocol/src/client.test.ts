import { expect, it } from 'vitest'
import { createClient } from './client.ts'
import { errorTable, VigilError } from './errors.ts'
import { exitCodeOf } from './exit-codes.ts'

const answering = (status: number, body: string) => {
  const seen: { url: string; init: RequestInit }[] = []
  const fake = async (url: string | URL | Request, init?: RequestInit) => {
    seen.push({ url: String(url), init: init ?? {} })
    return new Response(body, { status })
  }
  return { seen, client: createClient({ url: 'http://vigil:1/', token: 't', fetch: fake }) }
}

it('sends token, body, key and query to the route of the table', async () => {
  const { seen, client } = answering(202, '{"event_id":"e1","accepted":true,"duplicate":false}')
  expect(await client.postEvent('a/b', { x: 1 }, { waitMs: 500, idempotencyKey: 'k' })).toMatchObject({
    event_id: 'e1',
  })
  expect(seen[0]?.url).toBe('http://vigil:1/api/v1/processes/a%2Fb/events?wait=500ms')
  expect(seen[0]?.init).toMatchObject({
    method: 'POST',
    body: '{"x":1}',
    headers: { authorization: 'Bearer t', 'content-type': 'application/json', 'idempotency-key': 'k' },
  })
})

it('throws the error that the supervisor meant', async () => {
  const { client } = answering(404, '{"error":{"code":"PROCESS_NOT_FOUND","message":"no x","details":{"a":1}}}')
  await expect(client.process('x')).rejects.toMatchObject({
    code: 'PROCESS_NOT_FOUND',
    message: 'no x',
    details: { a: 1 },
  })
})

it('says UNREACHABLE for silence and for somebody else', async () => {
  await expect(answering(200, '<html>').client.health()).rejects.toMatchObject({ code: 'UNREACHABLE' })
  const refused = async () => {
    throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })
  }
  await expect(createClient({ url: 'http://vigil:1', fetch: refused }).health()).rejects.toMatchObject({
    code: 'UNREACHABLE',
    message: 'expected a supervisor at http://vigil:1, found none: connect ECONNREFUSED',
  })
})

it.each([
  ['INVALID_CONFIG', 2],
  ['ENV_MISSING', 2],
  ['INVALID_ARGUMENT', 2],
  ['PORT_IN_USE', 1],
  ['JOURNAL_DAMAGED', 3],
  ['DATA_IN_USE', 4],
  ['DISK_FULL', 5],
  ['FENCED', 6],
  ['PROCESS_NOT_FOUND', 7],
  ['INVALID_STATE', 8],
  ['UNREACHABLE', 9],
  ['UNAUTHORIZED', 1],
  ['TURN_FAILED', 1],
  ['INTERNAL', 1],
] as const)('%s ends with exit code %i', (code, exit) => {
  expect(errorTable).toHaveProperty(code)
  expect(exitCodeOf(new VigilError(code, ''))).toBe(exit)
})

it('ends with 1 for what is no error of the table', () => {
  expect(exitCodeOf(new Error('x'))).toBe(1)
})
