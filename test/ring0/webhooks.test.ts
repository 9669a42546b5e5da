import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { webhook } from '@vigil/supervisor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type HookFleet, hookFleet } from '../support/hook-fleet.ts'
import { until } from '../support/until.ts'

const secret = 'hunter2-and-a-long-tail-of-it'
const env = { SECRET: secret }
const signed = (body: string, key = secret) => ({
  'x-webhook-signature': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
})
const generic = (path: string, more: Parameters<typeof webhook>[1] = {}) =>
  webhook(path, { scheme: 'generic', secret: '${SECRET}', ...more })
const post = (fleet: HookFleet, path: string, body = '{}', headers: Record<string, string> = {}) =>
  fleet.post(path, { body, headers: { 'content-type': 'application/json', ...signed(body), ...headers } })
const codeOf = async (reply: Promise<{ status: number; body: { error?: { code: string } } }>) => {
  const { status, body } = await reply
  return [status, body.error?.code]
}

test('the agent gets what was sent, and who did not send it is not told', async () => {
  await using fleet = await hookFleet({ inbox: [generic('/in')] }, { env })
  const body = '{"fooBar":{"a_b":[1,null]}}'
  const { body: answer } = await post(fleet, '/in?x=1&y=2&y=3', body, {
    'X-Event': 'opened',
    authorization: 'Bearer x',
    cookie: 'c=1',
    'x-api-key': 'k',
  })
  const agent = fleet.supervisor.get('inbox')
  await agent.resume()
  const turn = await agent.result(String(answer['event_id']), { timeout: 20_000 })
  expect(turn).toMatchObject({
    status: 'completed',
    result: {
      type: 'webhook',
      payload: JSON.parse(body),
      metadata: {
        path: '/in',
        query: { x: '1', y: ['2', '3'] },
        headers: { 'x-event': 'opened', 'content-type': 'application/json' },
        signature_verified: true,
      },
    },
  })
  const { metadata } = (turn as unknown as { result: { metadata: { headers: object } } }).result
  for (const name of ['authorization', 'cookie', 'x-api-key', 'x-webhook-signature'])
    expect(metadata.headers).not.toHaveProperty(name)
  expect(await codeOf(post(fleet, '/elsewhere'))).toEqual([404, 'HOOK_NOT_FOUND'])
})

test('a hook that cannot take it says so, and when to come again', async () => {
  await using fleet = await hookFleet({ inbox: [generic('/in'), webhook('/near')], full: [generic('/full')] }, { env })
  await using small = await hookFleet({}, { env })
  await small.supervisor.spawn({
    name: 'small',
    entrypoint: new URL('../fixtures/echo/echo.ts', import.meta.url),
    triggers: [generic('/small')],
    mailbox: { max: 1 },
  })
  await small.supervisor.get('small').suspend()
  expect((await post(small, '/small')).status).toBe(202)
  const full = await post(small, '/small')
  expect([full.status, full.body.error?.code, full.headers.get('retry-after')]).toEqual([503, 'MAILBOX_FULL', '10'])

  const agent = fleet.supervisor.get('inbox')
  await agent.stop()
  const stopped = await post(fleet, '/in')
  expect([stopped.status, stopped.body.error?.code, stopped.headers.get('retry-after')]).toEqual([
    503,
    'PROCESS_STOPPED',
    '10',
  ])
  expect(await codeOf(fleet.post('/in', { body: '{}' }))).toEqual([401, 'WEBHOOK_UNVERIFIED'])
  await agent.start()
  expect((await post(fleet, '/in')).status).toBe(202)
  expect((await post(fleet, '/near')).status).toBe(202)
  expect(await codeOf(post(fleet, '/near', '{}', { 'x-forwarded-for': '127.0.0.1' }))).toEqual([403, 'SOURCE_DENIED'])
  await agent.remove()
  expect(await codeOf(post(fleet, '/in'))).toEqual([404, 'HOOK_NOT_FOUND'])
})

test('what the filter does not want is answered at once, and wakes nobody', async () => {
  const triggers = [generic('/in', { filter: "payload.severity == 'high'" }), generic('/off', { enabled: false })]
  await using fleet = await hookFleet({ inbox: triggers }, { env })
  expect(await post(fleet, '/in', '{"severity":"low"}')).toMatchObject({
    status: 202,
    body: { accepted: false, reason: 'filter' },
  })
  expect(await post(fleet, '/off')).toMatchObject({ status: 202, body: { accepted: false, reason: 'disabled' } })
  expect(await post(fleet, '/in', '{"severity":"high"}')).toMatchObject({ status: 202, body: { accepted: true } })
  expect(fleet.supervisor.get('inbox').status()).toMatchObject({ counters: { accepted: 1 } })
})

test('two agents that share a path decide each for itself, and one answer tells of both', async () => {
  const env2 = { ...env, OTHER: 'other' }
  const agents = {
    first: [generic('/in')],
    second: [generic('/in', { filter: 'payload.n > 1' })],
    third: [generic('/in', { secret: '${OTHER}' })],
  }
  await using fleet = await hookFleet(agents, { env: env2 })
  const accepted = (): number[] =>
    Object.keys(agents).map((name) => fleet.supervisor.get(name).status().counters.accepted)
  const one = await post(fleet, '/in', '{"n":1}', { 'idempotency-key': 'k1' })
  expect([one.status, one.body]).toEqual([202, { event_id: expect.any(String), accepted: true, duplicate: false }])
  const two = await post(fleet, '/in', '{"n":2}', { 'idempotency-key': 'k2' })
  expect(two.body).toMatchObject({ duplicate: false, event_ids: [two.body['event_id'], expect.any(String)] })
  expect(two.body).not.toHaveProperty('refused')
  const again = await post(fleet, '/in', '{"n":2}', { 'idempotency-key': 'k2' })
  expect(again.body).toEqual({ ...two.body, duplicate: true })
  expect(accepted()).toEqual([2, 1, 0])
  await fleet.supervisor.get('first').stop()
  const late = await post(fleet, '/in', '{"n":3}')
  expect(late).toMatchObject({ status: 202, body: { accepted: true, refused: ['PROCESS_STOPPED'] } })
  const byOther = await fleet.post('/in', { body: '{}', headers: signed('{}', 'other') })
  expect([byOther.status, accepted()]).toEqual([202, [2, 2, 1]])
})

test('a secret is in no record, no status, no log and no error, whether the hook works or not', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'vigil-hooks-'))
  const scripts = {
    armed: [generic('/armed')],
    unarmed: [generic('/unarmed', { secret: '${MISSING}' }), generic('/file', { secret: { file: '/nowhere/secret' } })],
    wrong: [webhook('/wrong', { secret: '${SECRET}' })],
  }
  try {
    await using fleet = await hookFleet(scripts, { env, dataDir })
    expect((await post(fleet, '/armed')).status).toBe(202)
    for (const path of ['/unarmed', '/file', '/wrong']) {
      const { status, body, headers } = await post(fleet, path)
      expect([status, body.error?.code, headers.get('retry-after')], path).toEqual([503, 'WEBHOOK_NO_SECRET', '10'])
      expect(JSON.stringify(body)).not.toContain(secret)
    }
    const problems = fleet.supervisor.list().flatMap((agent) => agent.status().triggers.map(({ problem }) => problem))
    expect(problems).toEqual([
      undefined,
      'unarmed: the variable MISSING is not set',
      'unarmed: there is no file /nowhere/secret',
      'unarmed: the variable SECRET holds no secret of the scheme standard (whsec_ and base64)',
    ])
    await until(
      'the log to tell of all three',
      () => fleet.lines.filter((line) => line.includes('is unarmed')).length === 3,
    )
    const shown = JSON.stringify([fleet.records, fleet.lines, fleet.supervisor.list().map((agent) => agent.status())])
    expect(shown).toContain('"variable":"SECRET"')
    expect(shown).not.toContain(secret)
    await fleet.supervisor.stop()
    const files = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const found = files.filter((entry) => readFileSync(join(entry.parentPath, entry.name)).includes(secret))
    expect([files.length > 2, found]).toEqual([true, []])
  } finally {
    rmSync(dataDir, { recursive: true })
  }
})

test('a hook that names no secret gets one: unsigned requests are refused from the first second, and who is shown it can sign', async () => {
  await using fleet = await hookFleet({ inbox: [webhook('/made', { scheme: 'generic', verifyHmac: true })] })
  expect(await codeOf(fleet.post('/made', { body: '{}' }))).toEqual([401, 'WEBHOOK_UNVERIFIED'])
  const { value } = await fleet.supervisor.get('inbox').revealSecret('hook:/made')
  expect((await fleet.post('/made', { body: '{}', headers: signed('{}', value) })).status).toBe(202)
  expect(JSON.stringify([fleet.records, fleet.lines])).not.toContain(value)
  await fleet.supervisor.get('inbox').revokeSecrets('hook:/made')
  expect(await codeOf(fleet.post('/made', { body: '{}', headers: signed('{}', value) }))).toEqual([
    503,
    'WEBHOOK_NO_SECRET',
  ])
})

test('no bytes that a sender may write make an answer of 5xx', async () => {
  const schemes = ['standard', 'github', 'stripe', 'slack', 'generic'] as const
  const key = `whsec_${Buffer.from('a secret of twenty-four b').toString('base64')}`
  const triggers = schemes.map((scheme) => webhook(`/${scheme}`, { scheme, secret: '${KEY}' }))
  await using fleet = await hookFleet(
    { inbox: [...triggers, webhook('/open', { auth: 'none' })] },
    { env: { KEY: key } },
  )
  const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature', 'x-hub-signature-256', 'x-github-delivery']
  names.push(
    'stripe-signature',
    'x-slack-signature',
    'x-slack-request-timestamp',
    'x-webhook-signature',
    'idempotency-key',
  )
  names.push('content-type', 'content-encoding', 'host', 'x-forwarded-for', 'authorization', '__proto__', 'constructor')
  const bytes = fc.uint8Array({ maxLength: 80 }).map((value) => Buffer.from(value))
  const lines = fc.array(fc.tuple(fc.constantFrom(...names), bytes), { maxLength: 12 })
  const path = fc.constantFrom(
    ...schemes.map((each) => `/${each}`),
    '/open',
    '/%ff',
    '/open?%ff=%00&__proto__=1',
    '/open/',
  )
  await fc.assert(
    fc.asyncProperty(path, lines, bytes, async (to, headers, body) => {
      const status = await raw(fleet.url, to, headers, body)
      expect(status).toBeGreaterThanOrEqual(200)
      expect(status).toBeLessThan(500)
    }),
    { numRuns: 150 },
  )
})

/** One request in the bytes as they are given; the status of its answer. */
async function raw(
  url: string,
  path: string,
  headers: readonly (readonly [string, Buffer])[],
  body: Buffer,
): Promise<number> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const head = headers.flatMap(([name, value]) => [Buffer.from(`${name}: `), value, Buffer.from('\r\n')])
  const rest = `host: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`
  socket.end(Buffer.concat([Buffer.from(`POST /hooks${path} HTTP/1.1\r\n`), ...head, Buffer.from(rest), body]))
  await once(socket, 'close')
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(Buffer.concat(chunks).toString('latin1'))?.[1])
}
