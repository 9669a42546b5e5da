import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TriggerSpec, webhook } from '@vigil/supervisor'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HookFleet, hookFleet } from '../support/hook-fleet.ts'
import { shiftedClock } from '../support/shifted-clock.ts'

const secret = `whsec_${Buffer.from('a secret of twenty-four b').toString('base64')}`
const triggers: readonly TriggerSpec[] = [
  webhook('/in', { secret: '${SECRET}' }),
  webhook('/generic', { scheme: 'generic', secret: '${SECRET}' }),
]
const dayMs = 86_400_000

let dataDir: string
let clock: ReturnType<typeof shiftedClock>
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'vigil-twice-'))
  clock = shiftedClock()
})
afterEach(() => {
  clock.close()
  rmSync(dataDir, { recursive: true })
})

const begin = (): Promise<HookFleet> =>
  hookFleet({ inbox: triggers }, { dataDir, env: { SECRET: secret }, ports: { clock } })

/** As a sender repeats it: the same id and body, signed at the time of each try. */
const deliver = (fleet: HookFleet, id: string, body = '{"n":1}') => {
  const now = new Date(clock.now())
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': `${Math.floor(now.getTime() / 1_000)}`,
    'webhook-signature': new Webhook(secret).sign(id, now, body),
  }
  return fleet.post('/in', { body, headers })
}

const accepted = (fleet: HookFleet): number => fleet.supervisor.get('inbox').status().counters.accepted

test('fault 14: a delivery that comes twice, or fifty times at once, is one event with one answer', async () => {
  await using fleet = await begin()
  const first = await deliver(fleet, 'one')
  expect([first.status, first.body]).toEqual([202, { event_id: expect.any(String), accepted: true, duplicate: false }])
  const again = await deliver(fleet, 'one')
  expect([again.status, again.body]).toEqual([202, { ...first.body, duplicate: true }])

  const all = await Promise.all(Array.from({ length: 50 }, () => deliver(fleet, 'two')))
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set([202]))
  expect(new Set(all.map(({ body }) => body['event_id'])).size).toBe(1)
  expect(all.filter(({ body }) => body['duplicate'] === false)).toHaveLength(1)
  expect(accepted(fleet)).toBe(2)
})

test('fault 14: it is known again after a restart, after 24 hours and after its turn, for 7 days', async () => {
  let first: Awaited<ReturnType<typeof deliver>>
  {
    await using fleet = await begin()
    first = await deliver(fleet, 'one')
  }
  await using fleet = await begin()
  const duplicate = { status: 202, body: { event_id: first.body['event_id'], accepted: true, duplicate: true } }
  expect(await deliver(fleet, 'one')).toMatchObject(duplicate)
  clock.forward(dayMs)
  expect(await deliver(fleet, 'one')).toMatchObject(duplicate)
  const agent = fleet.supervisor.get('inbox')
  await agent.resume()
  await agent.result(String(first.body['event_id']), { timeout: 20_000 })
  clock.forward(5 * dayMs)
  expect(await deliver(fleet, 'one')).toMatchObject(duplicate)
  expect(accepted(fleet)).toBe(1)
  // The next key drives out those that are older than 7 days.
  clock.forward(2 * dayMs)
  await deliver(fleet, 'two')
  expect(await deliver(fleet, 'one')).toMatchObject({ status: 202, body: { duplicate: false } })
})

test('fault 14: the same id with another body is a conflict, also after a restart, and changes nothing', async () => {
  {
    await using fleet = await begin()
    await deliver(fleet, 'one')
    expect(await deliver(fleet, 'one', '{"n":2}')).toMatchObject({
      status: 409,
      body: { error: { code: 'KEY_CONFLICT' } },
    })
  }
  await using fleet = await begin()
  expect(await deliver(fleet, 'one', '{"n":2}')).toMatchObject({ status: 409 })
  // What is the same JSON is the same body.
  expect(await deliver(fleet, 'one', '{ "n": 1 }')).toMatchObject({ status: 202, body: { duplicate: true } })
  expect(accepted(fleet)).toBe(1)
})

test('fault 14: one that names no delivery is as many events as it comes; one key is one event in each hook', async () => {
  await using fleet = await begin()
  const body = '{}'
  const headers = { 'x-webhook-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` }
  const two = [await fleet.post('/generic', { body, headers }), await fleet.post('/generic', { body, headers })]
  expect(new Set(two.map((each) => each.body['event_id'])).size).toBe(2)
  const keyed = { ...headers, 'idempotency-key': 'one' }
  await fleet.post('/generic', { body, headers: keyed })
  expect(await fleet.post('/generic', { body, headers: keyed })).toMatchObject({ body: { duplicate: true } })
  expect(await deliver(fleet, 'one', body)).toMatchObject({ body: { duplicate: false } })
  expect(accepted(fleet)).toBe(4)
})
