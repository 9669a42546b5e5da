import { expect, it } from 'vitest'
import { checkManifest } from './problems.ts'

const check = (trigger: Record<string, unknown>, ...more: Record<string, unknown>[]) =>
  checkManifest({ name: 'watcher', entrypoint: './watcher.ts', triggers: [trigger, ...more] })

const accept = (trigger: Record<string, unknown>) => {
  const found = check(trigger)
  if (!found.ok) throw new Error(found.problems.map((problem) => problem.message).join('\n'))
  return found.manifest.triggers[0]
}

const refuse = (trigger: Record<string, unknown>, ...more: Record<string, unknown>[]) => {
  const found = check(trigger, ...more)
  if (found.ok) throw new Error('expected a refusal, the manifest was accepted')
  return found.problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
}

const secret = '${ALERT_SECRET}'

it('takes the short form, whose scheme is standard, and the long one, whose scheme is generic', () => {
  expect(accept({ webhook: '/alert' })).toEqual({ type: 'webhook', webhook_path: '/alert' })
  const signed = { webhook_path: '/alert', type: 'webhook', verify_hmac: true }
  expect(accept({ webhook: '/alert', verify_hmac: true })).toEqual({ ...signed, scheme: 'standard' })
  expect(accept(signed)).toEqual({ ...signed, scheme: 'generic' })
  expect(accept({ ...signed, scheme: 'github' })).toEqual({ ...signed, scheme: 'github' })
})

it('takes one secret or two, by both of its names, and verifies when there is one', () => {
  const signed = { type: 'webhook', webhook_path: '/a', verify_hmac: true, scheme: 'stripe' }
  expect(accept({ webhook: '/a', signature_scheme: 'stripe', hmac_secret: secret })).toEqual({
    ...signed,
    secret: [secret],
  })
  const two = ['${NEW}', { file: '/run/secrets/old' }]
  expect(accept({ ...signed, secret: two })).toEqual({ ...signed, secret: two })
})

it('takes no secret that is written down, and does not repeat it', () => {
  for (const written of ['hunter2', '${A}${B}', '${A:-hunter2}', ['hunter2'], { text: 'hunter2' }, 5]) {
    const problems = refuse({ webhook: '/a', secret: written }).join('\n')
    expect(problems).toContain('triggers.0.secret')
    expect(problems).not.toContain('hunter2')
  }
  expect(refuse({ webhook: '/a', secret: 'hunter2' })).toEqual([
    'triggers.0.secret: expected a reference such as ${ALERT_SECRET}, or { file: /path }, found a text of another form',
  ])
  expect(refuse({ webhook: '/a', secret: ['${A}', '${B}', '${C}'] })[0]).toContain('two secrets at most')
})

it.each(['alert', '/', '/a/', '//a', '/a?b', '/a b', '/ä', '/..%2f', 5])('takes no path %j', (path) => {
  expect(refuse({ webhook: path })[0]).toMatch(/^triggers\.0\.webhook: expected a path such as \/alert/)
})

it.each([
  [{ verify_hmac: false, secret }, 'secret: expected verify_hmac: true beside it'],
  [{ scheme: 'github' }, 'scheme: expected verify_hmac: true beside it'],
  [{ signature_header: 'x-sig' }, 'signature_header: expected verify_hmac: true beside it'],
  [{ secret, auth: 'none' }, 'auth: expected one of verify_hmac and auth, found both'],
  [{ secret, scheme: 'github', signature_prefix: 'v1=' }, 'signature_prefix: expected scheme: generic beside it'],
  [{ secret, scheme: 'githup' }, 'scheme: expected one of standard, github'],
  [{ auth: 'basic' }, 'auth: expected one of bearer, none'],
  [{ allowed_sources: '10.0.0.1' }, 'allowed_sources: expected a list'],
  [{ verify_hmca: true }, 'verify_hmca: expected a known field'],
])('refuses %j', (fields, message) => {
  expect(refuse({ webhook: '/a', ...fields }).join('\n')).toContain(`triggers.0.${message}`)
})

it('gives each path of an agent to one trigger', () => {
  const problems = refuse({ webhook: '/a' }, { cron: '* * * * *' }, { webhook: '/a' })
  expect(problems).toEqual(['triggers.2.webhook: expected a path of its own for each webhook of one agent, found /a'])
})
