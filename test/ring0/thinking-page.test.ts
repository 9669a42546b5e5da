import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { scripted, testAgent } from '@vigil/testkit'
import { afterAll, expect, test } from 'vitest'

/** What people copy from docs/thinking.md has to do what the page says. */
const page = readFileSync(new URL('../../docs/thinking.md', import.meta.url), 'utf8')
const [manifest = ''] = page.match(/(?:^ {4}.*\n)+/m) ?? []
const [, code = ''] = /```ts\n(.*?)```/s.exec(page) ?? []
// Beside this file: what the example imports has to be found from there.
const folder = mkdtempSync(fileURLToPath(new URL('./thinking-page-', import.meta.url)))
const triage = join(folder, 'triage.agent')
const sorter = join(folder, 'sorter.agent')
writeFileSync(triage, manifest.replaceAll(/^ {4}/gm, ''))
writeFileSync(join(folder, 'sorter.ts'), code)
writeFileSync(sorter, 'name: sorter\nmodel: openai:gpt-5-mini\nentrypoint: ./sorter.ts\n')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the agent without code of the page writes into its state, and finishes', async () => {
  const model = scripted([
    { tool: 'set_state', input: { key: 't-1', value: 'billing' } },
    { tool: 'finish', input: { team: 'billing' } },
  ])
  await using t = await testAgent(triage, { model })
  const turn = await t.fire('webhook', { id: 't-1', text: 'My invoice is wrong.' })
  expect(turn).toMatchObject({ status: 'completed', result: { team: 'billing' }, state: { 't-1': 'billing' } })
})

test.each(['nothing', 'crash', 'kill'] as const)(
  'the code of the page sorts its ticket: %s befalls it',
  async (kind) => {
    await using t = await testAgent(sorter, { model: () => '{"team":"support","urgent":true}' })
    if (kind !== 'nothing') await t.fault({ at: 'effect.completed', kind })
    const turn = await t.fire('manual', 'It burns!')
    expect(turn).toMatchObject({ status: 'completed', result: { team: 'support', urgent: true } })
    expect(turn.effects).toMatchObject([
      { kind: 'model.generate' },
      { kind: 'publish', input: { topic: 'tickets.support' } },
    ])
    expect(t.world.models.billed).toHaveLength(1)
  },
)
