import { expect, it } from 'vitest'
import { checkManifest } from './problems.ts'

const checkAll = (fields: object) => checkManifest({ name: 'a', entrypoint: './a.ts', ...fields })
const check = (approval: unknown) => checkAll({ approval })

it.each([
  [{}, { tools: [], timeout: 3_600_000, on_timeout: 'deny', approvers: [] }],
  [{ tools: ['send_*', 'pay'] }, { tools: ['send_*', 'pay'] }],
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
  [{ tools: 'pay' }, ['approval', 'tools'], 'a list of names of tools, or globs'],
  [{ tools: ['pay', 'a b'] }, ['approval', 'tools', 1], 'the name of a tool, or a glob'],
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

it.each([
  [true, { allowed: true }],
  [false, { allowed: false }],
  [{}, { allowed: true, irreversible: false }],
  [{ needs_approval: true }, { needs_approval: true }],
  [{ needs_approval: 'input.amount > 100' }, { needs_approval: 'input.amount > 100' }],
  [
    { irreversible: true, cost: 0.01 },
    { irreversible: true, cost: 0.01 },
  ],
  [
    { timeout: '20s', max_per_turn: 3 },
    { timeout: 20_000, max_per_turn: 3 },
  ],
])('takes a tool that is %j', (given, effective) => {
  expect(checkAll({ tools: { 'send_*': given } })).toMatchObject({
    ok: true,
    manifest: { tools: { 'send_*': effective } },
  })
})

it.each<[object, (string | number)[], string]>([
  [{ tools: ['pay'] }, ['tools'], 'a map of tools to policies'],
  [{ tools: { pay: 'yes' } }, ['tools', 'pay'], 'true, false (not allowed), or a section of fields'],
  [{ tools: { 'a b': true } }, ['tools', 'a b'], 'the name of a tool, or a glob'],
  [{ tools: { pay: { needs_aproval: true } } }, ['tools', 'pay', 'needs_aproval'], 'needs_approval'],
  [{ tools: { pay: { needs_approval: 3 } } }, ['tools', 'pay', 'needs_approval'], 'true, or a filter over the input'],
  [{ tools: { pay: { irreversible: 'no' } } }, ['tools', 'pay', 'irreversible'], 'true or false'],
  [{ tools: { pay: { cost: -1 } } }, ['tools', 'pay', 'cost'], 'US dollars, 0 or more'],
  [{ tools: { pay: { timeout: 'soon' } } }, ['tools', 'pay', 'timeout'], 'a duration'],
  [{ tools: { pay: { max_per_turn: 1.5 } } }, ['tools', 'pay', 'max_per_turn'], 'a whole number, 0 or more'],
  [
    { tools: { pay: { allowed: false, needs_approval: true } } },
    ['tools', 'pay', 'needs_approval'],
    'a tool that is allowed, because nobody is asked about one that is not',
  ],
  [
    { tools: { 'send_*': false }, approval: { tools: ['pay', 'send_*'] } },
    ['approval', 'tools', 1],
    'a tool that is allowed, because nobody is asked about one that is not',
  ],
])('refuses %j with its path', (given, path, words) => {
  const found = checkAll(given)
  expect(found).toMatchObject({ ok: false, problems: [{ path }] })
  expect(JSON.stringify(found)).toContain(words)
})
