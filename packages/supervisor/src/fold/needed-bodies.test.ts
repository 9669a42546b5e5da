import { expect, test } from 'vitest'
import { accepted, worldOf } from '../../fixtures/process.ts'
import { neededBodies } from './needed-bodies.ts'

test('a body is written as JSON once, however many sweeps look at it', () => {
  let looks = 0
  const payload = {
    toJSON() {
      looks += 1
      return 'x'.repeat(5_000)
    },
  }
  const { put, world } = worldOf({})
  put(accepted('e1', payload))
  const [hash] = neededBodies(world)
  expect(hash).toMatch(/^[0-9a-f]{64}$/)
  expect([...neededBodies(world)]).toEqual([hash])
  expect(looks).toBe(1)
})
