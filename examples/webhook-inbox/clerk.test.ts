import { fileURLToPath } from 'node:url'
import { testAgent } from '@vigil/testkit'
import { expect, test } from 'vitest'

const clerk = fileURLToPath(new URL('./clerk.agent', import.meta.url))
const opened = (number: number) => ({
  action: 'opened',
  issue: { number, title: 'It hangs' },
  repository: { full_name: 'a/b' },
})

test('a signed delivery is counted once, through a crash in the middle', async () => {
  await using t = await testAgent(clerk, { env: { GITHUB_WEBHOOK_SECRET: 'a secret of ours' }, seed: 1 })
  expect(await t.fire('webhook', opened(1))).toMatchObject({ status: 'completed', result: 1 })
  await t.fault({ at: 'effect.before_reply', kind: 'crash' })
  const second = await t.fire('webhook', opened(2))
  expect(second).toMatchObject({ status: 'completed', result: 2, state: { 'open:a/b': 2 } })
  expect(second.effects.filter(({ kind }) => kind === 'publish')).toHaveLength(1)
})
