import type { SpaceState } from '@vigil/protocol'
import { expect, test } from 'vitest'
import { afterDiskNews, type DiskNews } from './disk-space.ts'

const states: SpaceState[] = ['open', 'reserve', 'exhausted']
const news: DiskNews[] = ['flushed', 'full', 'ballast_given_up', 'ballast_made', 'ballast_refused', 'look']

test('only a whole ballast opens, and only a flush without room closes', () => {
  for (const space of states) {
    for (const each of news) {
      const after = afterDiskNews(space, each).space
      if (space !== 'open' && after === 'open') expect(each).toBe('ballast_made')
      if (space === 'open' && after !== 'open') expect(each).toBe('full')
    }
  }
})

test('the ballast is given up once, when the disk fills, and flushed into at once', () => {
  expect(afterDiskNews('open', 'full')).toEqual({ space: 'reserve', step: 'give_up_ballast' })
  expect(afterDiskNews('reserve', 'ballast_given_up')).toEqual({ space: 'reserve', step: 'flush' })
  expect(afterDiskNews('reserve', 'full')).toEqual({ space: 'exhausted', step: 'rest' })
  expect(afterDiskNews('exhausted', 'full')).toEqual({ space: 'exhausted', step: 'rest' })
})

test('with looks alone, and a disk that has room, every state comes to be open', () => {
  for (const from of states) {
    let { space, step } = afterDiskNews(from, 'look')
    for (let steps = 0; space !== 'open'; steps += 1) {
      expect(steps).toBeLessThan(5)
      const next = step === 'flush' ? 'flushed' : step === 'make_ballast' ? 'ballast_made' : 'look'
      ;({ space, step } = afterDiskNews(space, next))
    }
  }
})

test('on a disk that stays full no work is done without an end', () => {
  for (const from of states) {
    let { space, step } = afterDiskNews(from, 'full')
    for (let steps = 0; step !== 'rest'; steps += 1) {
      expect(steps).toBeLessThan(5)
      const next = step === 'flush' ? 'full' : step === 'make_ballast' ? 'ballast_refused' : 'ballast_given_up'
      ;({ space, step } = afterDiskNews(space, next))
    }
  }
})
