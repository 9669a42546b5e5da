import { expect, it } from 'vitest'
import { parseManifestText, readManifestText } from './parse.ts'
import { manifestFromSpec } from './spec.ts'
import { webhook } from './trigger-builders.ts'

const env = { ALERT_SECRET: 'whsec_hunter2hunter2hunter2', FOLDER: '/run/secrets' }
const text = (trigger: string) => `name: a\nentrypoint: ./a.ts\ntriggers:\n  - ${trigger.replaceAll('\n', '\n    ')}\n`
const parse = (trigger: string) => parseManifestText(text(trigger), { file: '/fleet/a.agent', env }).triggers

it('keeps the reference to a secret and never its value', () => {
  const triggers = parse('webhook: /alert\nsecret: "${ALERT_SECRET}"\nfilter: "payload.key == \'${FOLDER}\'"')
  expect(triggers).toEqual([
    {
      type: 'webhook',
      webhookPath: '/alert',
      filter: "payload.key == '/run/secrets'",
      verification: { scheme: 'standard', secrets: [{ variable: 'ALERT_SECRET' }] },
    },
  ])
  expect(
    parse('webhook: /alert\nscheme: github\nhmac_secret: [ "${ALERT_SECRET}", { file: "${FOLDER}/old" }, ]'),
  ).toEqual([
    {
      type: 'webhook',
      webhookPath: '/alert',
      verification: { scheme: 'github', secrets: [{ variable: 'ALERT_SECRET' }, { file: '/run/secrets/old' }] },
    },
  ])
  expect(parse('webhook: /alert\nscheme: github\nsecret: { file: ./secret }')).toMatchObject([
    { verification: { secrets: [{ file: '/fleet/secret' }] } },
  ])
})

it('fills in what a generic sender does', () => {
  expect(parse('type: webhook\nwebhook_path: /a\nverify_hmac: true')).toEqual([
    {
      type: 'webhook',
      webhookPath: '/a',
      verification: {
        scheme: 'generic',
        secrets: [],
        header: 'x-webhook-signature',
        prefix: 'sha256=',
        encoding: 'hex',
      },
    },
  ])
})

it('warns of a variable that is not set, and refuses sources that are none', () => {
  const { warnings } = readManifestText(text('webhook: /a\nsecret: "${OTHER}"'), { file: 'a.agent', env })
  expect(warnings).toMatchObject([{ code: 'ENV_MISSING', path: 'triggers.0.secret', line: 5 }])
  expect(() => parse('webhook: /a\nallowed_sources: [10.0.0.0/33]')).toThrow(
    /expected an address or a network.*10\.0\.0\.0\/33/,
  )
})

it('takes a hook from its builder', () => {
  const triggers = [
    webhook('/in', { scheme: 'github', secret: '${ALERT_SECRET}' }),
    webhook('/std', { secret: { file: './secret' } }),
    webhook('/open', { auth: 'none', allowedSources: ['10.0.0.0/8'] }),
  ]
  const { triggers: found } = manifestFromSpec({ name: 'a', entrypoint: '/a.ts', triggers }, { baseDirectory: '/base' })
  expect(found).toEqual([
    {
      type: 'webhook',
      webhookPath: '/in',
      verification: { scheme: 'github', secrets: [{ variable: 'ALERT_SECRET' }] },
    },
    { type: 'webhook', webhookPath: '/std', verification: { scheme: 'standard', secrets: [{ file: '/base/secret' }] } },
    { type: 'webhook', webhookPath: '/open', auth: 'none', allowedSources: ['10.0.0.0/8'] },
  ])
})
