import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Supervisor } from '@vigil/supervisor'

/**
 * Wakes an agent with a large library in its bundle again and again and prints how long each took, in milliseconds. A process of its own, because a code cache is
 * for one set of V8's flags, and the bench has a flag that cells have not.
 */
const wakes = 12
const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
try {
  const zod = createRequire(import.meta.resolve('@vigil/protocol')).resolve('zod')
  const entrypoint = join(folder, 'large.ts')
  writeFileSync(
    entrypoint,
    `import * as z from '${zod}'
const name = z.object({ name: z.string() })
export default () => (name.parse({ name: 'a' }), process.hrtime.bigint().toString())`,
  )
  await using s = await Supervisor.start({ dataDir: join(folder, 'data') })
  const agent = await s.spawn({ name: 'large', entrypoint, hibernateAfter: '200ms' })
  const took: number[] = []
  for (let k = 0; k < wakes; k += 1) {
    while (agent.status().residency !== 'hibernated') await new Promise((resolve) => setTimeout(resolve, 50))
    // Until a spare stands ready.
    await new Promise((resolve) => setTimeout(resolve, 300))
    const offered = process.hrtime.bigint()
    const entered = BigInt((await agent.run(k)) as string)
    took.push(Number(entered - offered) / 1e6)
  }
  process.stdout.write(JSON.stringify(took))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
