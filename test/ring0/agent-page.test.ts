import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testAgent } from '@vigil/testkit'
import { afterAll, expect, test } from 'vitest'

/** What people copy from docs/agent.md has to do what the page says. */
const page = readFileSync(new URL('../../docs/agent.md', import.meta.url), 'utf8')
const blocks = (page.match(/(?:^ {4}.*\n|^\n(?= {4}))+/gm) ?? []).map((block) =>
  block.replaceAll(/^ {4}/gm, '').trimStart(),
)
const folder = mkdtempSync(join(tmpdir(), 'vigil-page-'))
writeFileSync(join(folder, 'billing.agent'), blocks.find((block) => block.startsWith('name: ')) ?? '')
writeFileSync(join(folder, 'billing.ts'), blocks.find((block) => block.startsWith('import type')) ?? '')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const placed = { topic: 'order.placed', data: { order: 'o-1', customer: 'ann', cents: 250 } }

test.each(['nothing', 'crash', 'kill'] as const)(
  'the agent of the page charges under one key: %s befalls it',
  async (kind) => {
    let failures = 2
    const answer = (): { status: number; body: string } => {
      failures -= 1
      return { status: failures >= 0 ? 503 : 200, body: '{"id":"c-1"}' }
    }
    await using t = await testAgent(join(folder, 'billing.agent'), {
      http: { 'POST https://bank.example.com/charges': answer },
    })
    if (kind !== 'nothing') await t.fault({ at: 'effect.acted', kind, nth: 2 })
    const turn = await t.fire('publish', placed)
    expect(turn).toMatchObject({
      status: 'completed',
      result: 'c-1',
      state: { charged: 250, by_customer: { ann: 250 } },
    })
    expect(new Set(t.requested.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
  },
)
