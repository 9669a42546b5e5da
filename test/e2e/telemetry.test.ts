import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Supervisor } from '@vigil/supervisor'
import { expect, test } from 'vitest'
import { withSdk } from '../support/telemetry-sdk.ts'

const source = `export default {
  tools: [{ name: 'stamp', run: (input) => input }],
  run: (event, ctx) => ctx.tools.call('stamp', event.payload),
}
`

test('a program that has set an SDK sees the turns of its agents and the tools in them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-telemetry-'))
  const sdk = withSdk()
  try {
    const entrypoint = join(folder, 'clerk.js')
    writeFileSync(entrypoint, source)
    await using supervisor = await Supervisor.start({ journal: 'memory', env: {} })
    const agent = await supervisor.spawn({ name: 'clerk', entrypoint })
    expect(await agent.run(7)).toBe(7)
    await supervisor.stop()
    const [tool, turn, ...more] = sdk.spans()
    expect(more).toEqual([])
    expect(tool).toMatchObject({ name: 'execute_tool stamp', parent: turn?.id, trace: turn?.trace })
    expect(turn).toMatchObject({ name: 'invoke_agent clerk', attributes: { 'vigil.end': 'completed' } })
    expect((await sdk.points())['vigil.turns']).toEqual([
      [{ 'gen_ai.agent.name': 'clerk', 'vigil.end': 'completed' }, 1],
    ])
  } finally {
    await sdk.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
