import { describe, expect, test } from 'vitest'
import { shapes } from '../../fixtures/hog/hog.ts'
import { hogs, runOutOfMemory } from '../../support/out-of-memory.ts'

/** `pnpm torture` takes each shape 20 times. */
const rounds = process.env.VIGIL_TORTURE === undefined ? 1 : 20

describe.each(['process', 'thread'] as const)('%s', (tier) => {
  test(`thread_map_growth_does_not_kill_supervisor, thread_json_parse_120mb_does_not_kill_supervisor: nor do ${Object.keys(shapes).length} shapes`, {
    timeout: 60_000 + rounds * 120_000,
  }, async () => {
    await using f = await hogs(tier)
    for (let round = 0; round < rounds; round += 1)
      for (const shape of Object.keys(shapes)) {
        const { wrong, causes } = await runOutOfMemory(f, shape)
        expect({ shape, wrong, causes }).toMatchObject({ shape, wrong: [] })
      }
  })
})
