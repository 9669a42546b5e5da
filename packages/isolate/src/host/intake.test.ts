import { expect, test } from 'vitest'
import { type Backlog, openIntake } from './intake.ts'

/** A clock that each thing heard moves on by so much. */
function listening(costMs: number) {
  let now = 0
  const heard: string[] = []
  const intake = openIntake(() => now)
  const backlog = (name: string, things: number, also: () => void = () => undefined): Backlog => {
    let left = things
    return {
      hearOne() {
        if (left === 0) return false
        left -= 1
        now += costMs
        heard.push(name)
        also()
        return true
      },
    }
  }
  const count = (name: string): number => heard.filter((one) => one === name).length
  return { intake, backlog, heard, count, pass: (ms: number) => (now += ms) }
}

const loopTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what little arrives is heard at once', async () => {
  const { intake, backlog, heard } = listening(0.01)
  intake(backlog('a', 3))
  expect(heard).toEqual(['a', 'a', 'a'])
  await loopTurn()
})

test('one that talks without end is heard for half a millisecond in each turn of the loop', async () => {
  const { intake, backlog, count } = listening(0.01)
  intake(backlog('a', 1_000))
  await loopTurn()
  const inTwoTurns = count('a')
  expect(inTwoTurns).toBeGreaterThan(60)
  expect(inTwoTurns).toBeLessThan(200)
  for (let turn = 0; turn < 30; turn += 1) await loopTurn()
  expect(count('a')).toBe(1_000)
})

test('all are heard in turns, and no one waits for the end of another', async () => {
  const { intake, backlog, heard } = listening(0.01)
  for (const name of ['a', 'b', 'c']) intake(backlog(name, 100))
  for (let turn = 0; turn < 30; turn += 1) await loopTurn()
  expect(heard).toHaveLength(300)
  expect(heard.lastIndexOf('c')).toBe(299)
  // The first was alone when it came, and had its place again before the others came.
  expect(heard.indexOf('b')).toBe(64)
  expect(heard.indexOf('c')).toBe(96)
})

test('what the heard sets off counts for the time of the turn', async () => {
  const { intake, backlog, count, pass } = listening(0)
  intake(
    backlog('a', 1_000, () => {
      queueMicrotask(() => pass(0.02))
    }),
  )
  await Promise.resolve()
  await Promise.resolve()
  expect(count('a')).toBe(32)
  for (let turn = 0; turn < 50; turn += 1) await loopTurn()
  expect(count('a')).toBe(1_000)
})

test('who says more while he is heard is heard to the end', async () => {
  const { intake, backlog, heard } = listening(0.01)
  intake(backlog('a', 40))
  intake(backlog('b', 2))
  await loopTurn()
  intake(backlog('a', 1))
  expect(heard.slice(-1)).toEqual(['a'])
  expect(heard).toHaveLength(43)
})
