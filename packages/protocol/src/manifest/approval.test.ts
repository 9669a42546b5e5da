import { expect, it } from 'vitest'
import { checkManifest } from './problems.ts'

const check = (approval: unknown) => checkManifest({ name: 'a', entrypoint: './a.ts', approval })

it.each([
  [{}, { timeout: 3_600_000, on_timeout: 'deny', approvers: [] }],
  [
    { timeout: '4h', on_timeout: 'escalate', approvers: ['ada'] },
    { timeout: 14_400_000, on_timeout: 'escalate', approvers: ['ada'] },
  ],
  [{ notify: { webhook_url: '${SLACK}', format: 'slack' } }, { notify: { webhook_url: '${SLACK}', format: 'slack' } }],
  [
    { notify: { webhook_url: 'http://10.0.0.5:80/x', secret: '${S}' } },
    { notify: { webhook_url: 'http://10.0.0.5:80/x', format: 'standard', secret: '${S}' } },
  ],
])('takes %j', (given, effective) => {
  expect(check(given)).toMatchObject({ ok: true, manifest: { approval: effective } })
})

it.each([
  [{ timout: '1h' }, ['approval', 'timout'], 'timeout'],
  [{ timeout: 0 }, ['approval', 'timeout'], 'a duration'],
  [{ on_timeout: 'ask' }, ['approval', 'on_timeout'], 'one of deny, approve, escalate'],
  [{ approvers: 'ada' }, ['approval', 'approvers'], 'a list of names of tokens'],
  [{ notify: { format: 'slack' } }, ['approval', 'notify', 'webhook_url'], 'a URL'],
  [{ notify: { webhook_url: 'ops', format: 'slack' } }, ['approval', 'notify', 'webhook_url'], 'a URL such as'],
  [{ notify: { webhook_url: 'https://a.test', format: 'irc' } }, ['approval', 'notify', 'format'], 'one of standard'],
  [{ notify: { webhook_url: 'https://a.test', secret: 'abc' } }, ['approval', 'notify', 'secret'], 'a reference'],
  [
    { notify: { webhook_url: 'https://a.test' } },
    ['approval', 'notify', 'secret'],
    'found none beside format: standard',
  ],
  [
    { notify: { webhook_url: 'https://a.test', format: 'teams', secret: '${S}' } },
    ['approval', 'notify', 'secret'],
    'found teams, which has no signature',
  ],
])('refuses %j with its path', (given, path, words) => {
  const found = check(given)
  expect(found).toMatchObject({ ok: false, problems: [{ path }] })
  expect(JSON.stringify(found)).toContain(words)
})
