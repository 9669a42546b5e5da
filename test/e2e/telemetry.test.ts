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

test('a program that has set an SDK sees the turns of its agents, and the thoughts and tools in them', {
  timeout: 90_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-telemetry-'))
  const sdk = withSdk()
  try {
    const entrypoint = join(folder, 'clerk.js')
    writeFileSync(entrypoint, source)
    await using supervisor = await Supervisor.start({ journal: 'memory', env: {} })
    const agent = await supervisor.spawn({ name: 'clerk', entrypoint })
    expect(await agent.run(7)).toBe(7)
    const thinker = await supervisor.spawn({ name: 'thinker', model: 'sim:echo', instructions: 'Repeat it.' })
    expect(await thinker.run('hello')).toMatch('hello')
    await supervisor.stop()
    const [tool, turn, chat, thought, ...more] = sdk.spans()
    expect(more).toEqual([])
    expect(chat).toMatchObject({
      ...{ name: 'chat echo', parent: thought?.id },
      attributes: { 'gen_ai.provider.name': 'sim', 'gen_ai.usage.input_tokens': expect.any(Number) },
    })
    expect(thought).toMatchObject({ name: 'invoke_agent thinker', attributes: { 'gen_ai.request.model': 'echo' } })
    expect(JSON.stringify([chat, thought])).not.toMatch('hello')
    expect(tool).toMatchObject({ name: 'execute_tool stamp', parent: turn?.id, trace: turn?.trace })
    expect(turn).toMatchObject({ name: 'invoke_agent clerk', attributes: { 'vigil.end': 'completed' } })
    const points = await sdk.points()
    expect(points['vigil.turns']).toEqual(
      ['clerk', 'thinker'].map((name) => [{ 'gen_ai.agent.name': name, 'vigil.end': 'completed' }, 1]),
    )
    expect(points['gen_ai.client.token.usage']).toHaveLength(2)
  } finally {
    await sdk.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
