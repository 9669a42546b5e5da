import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { post } from '../support/hook-fleet.ts'
import { until } from '../support/until.ts'

let folder: string
let daemon: Daemon | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-webhook-'))
})
afterEach(async () => {
  daemon?.child.kill('SIGTERM')
  await daemon?.exited
  daemon = undefined
  rmSync(folder, { recursive: true, force: true })
})

test('a delivery that is acknowledged is done once, also when the supervisor is killed and the sender repeats it', async () => {
  const secret = 'a secret that only the environment knows'
  writeFileSync(
    join(folder, 'inbox.agent'),
    'name: inbox\nentrypoint: ./inbox.ts\ntriggers:\n  - webhook: /github\n    scheme: github\n    secret: "${HOOK_SECRET}"\n',
  )
  writeFileSync(join(folder, 'inbox.ts'), "export default (event, ctx) => ctx.state.append('seen', event.payload)\n")
  const start = () =>
    startDaemon(join(folder, 'data'), [folder, '--hooks-listen', '127.0.0.1:0'], { HOOK_SECRET: secret })
  const hooksOf = ({ output }: Daemon): string => /webhooks at (\S+)\/hooks\//.exec(output())?.[1] ?? ''
  const body = '{"zen":"Keep it logically awesome."}'
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  const headers = { 'content-type': 'application/json', 'x-hub-signature-256': signature, 'x-github-delivery': 'd1' }

  daemon = await start()
  const first = await post(hooksOf(daemon), '/github', { body, headers })
  expect(first).toMatchObject({ status: 202, body: { duplicate: false } })
  daemon.child.kill('SIGKILL')
  await daemon.exited
  const before = daemon.output()

  const next = await start()
  daemon = next
  for (const url of [hooksOf(next), next.url])
    expect(await post(url, '/github', { body, headers })).toMatchObject({
      status: 202,
      body: { event_id: first.body['event_id'], duplicate: true },
    })
  const seen = await until('the turn', async () => {
    const { state } = (await next.call('GET', '/processes/inbox/context')).body as { state: { seen?: unknown[] } }
    return state.seen
  })
  expect(seen).toEqual([JSON.parse(body)])
  expect((await post(hooksOf(next), '/github', { body: '{}', headers })).status).toBe(401)
  expect((await fetch(`${hooksOf(next)}/api/v1/processes`)).status).toBe(404)
  const journal = JSON.stringify((await next.call('GET', '/processes/inbox/journal?limit=1000')).body)
  expect([journal.includes('HOOK_SECRET'), `${journal}${before}${next.output()}`.includes(secret)]).toEqual([
    true,
    false,
  ])
})
