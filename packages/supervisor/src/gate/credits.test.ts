import { expect, test } from 'vitest'
import { credits } from './credits.ts'

test('waiting processes are served in turn, one call each', () => {
  const shared = credits(1)
  const served: string[] = []
  shared.acquire('a', () => served.push('a0'))
  for (const name of ['a1', 'a2', 'a3']) shared.acquire('a', () => served.push(name))
  shared.acquire('b', () => served.push('b1'))
  for (let k = 0; k < 4; k += 1) shared.release()
  expect(served).toEqual(['a0', 'a1', 'b1', 'a2', 'a3'])
})

test('a released credit nobody waits for is there for the next', () => {
  const shared = credits(1)
  let served = 0
  shared.acquire('a', () => {
    served += 1
  })
  shared.release()
  shared.acquire('b', () => {
    served += 1
  })
  shared.acquire('b', () => {
    served += 1
  })
  expect(served).toBe(2)
})
