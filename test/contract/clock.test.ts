import type { Clock } from '@vigil/protocol'
import { virtualClock } from '@vigil/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../packages/supervisor/src/platform/clock.ts'

interface Subject {
  readonly clock: Clock
  /** Lets time pass until `done`, at most about a second. */
  until(done: () => boolean): Promise<void>
  close(): void
}

const subjects: Record<string, () => Subject> = {
  system: () => {
    const clock = systemClock()
    const until = (done: () => boolean) => expect.poll(done, { timeout: 5_000, interval: 1 }).toBe(true)
    return { clock, until, close: () => clock.close() }
  },
  virtual: () => {
    const clock = virtualClock()
    const until = async (done: () => boolean) => {
      for (let passed = 0; passed < 1_000 && !done(); passed++) await clock.advance(1)
      expect(done(), 'within a second').toBe(true)
    }
    return { clock, until, close: () => {} }
  },
}

describe.each(Object.entries(subjects))('%s clock', (_name, open) => {
  let subject: Subject | undefined
  const start = (): Subject => {
    subject = open()
    return subject
  }
  afterEach(() => subject?.close())

  test('fires once, and not before the delay has passed', async () => {
    const { clock, until } = start()
    const began = clock.monotonic()
    const fired: number[] = []
    clock.setTimer(20, () => fired.push(clock.monotonic() - began))
    await until(() => fired.length > 0)
    expect(fired).toHaveLength(1)
    expect(fired[0]).toBeGreaterThanOrEqual(20)
  })

  test('fires in the order of deadlines, and equal ones as they were armed', async () => {
    const { clock, until } = start()
    const fired: string[] = []
    clock.setTimer(30, () => fired.push('late'))
    clock.setTimer(-5, () => fired.push('first'))
    clock.setTimer(0, () => fired.push('second'))
    clock.setTimer(10, () => fired.push('third'))
    await until(() => fired.includes('late'))
    expect(fired).toEqual(['first', 'second', 'third', 'late'])
  })

  test('a cancelled timer does not fire, and cancelling twice is harmless', async () => {
    const { clock, until } = start()
    const fired: string[] = []
    const sibling = clock.setTimer(6, () => fired.push('sibling'))
    clock.setTimer(5, () => sibling.cancel())
    const gone = clock.setTimer(1, () => fired.push('gone'))
    gone.cancel()
    gone.cancel()
    clock.setTimer(25, () => fired.push('end'))
    await until(() => fired.includes('end'))
    expect(fired).toEqual(['end'])
  })

  test('a timer armed by a timer fires after those that were due already', async () => {
    const { clock, until } = start()
    const fired: string[] = []
    clock.setTimer(0, () => {
      fired.push('a')
      clock.setTimer(0, () => fired.push('c'))
    })
    clock.setTimer(0, () => fired.push('b'))
    await until(() => fired.length === 3)
    expect(fired).toEqual(['a', 'b', 'c'])
  })

  test('a wait longer than the platform can count does not fire at once', async () => {
    const { clock, until } = start()
    const fired: string[] = []
    clock.setTimer(2 ** 33, () => fired.push('far'))
    clock.setTimer(10, () => fired.push('near'))
    await until(() => fired.length > 0)
    expect(fired).toEqual(['near'])
  })

  test('wall time is a time of today, monotonic time does not go back', () => {
    const { clock } = start()
    expect(clock.now()).toBeGreaterThan(Date.UTC(2025, 0, 1))
    const first = clock.monotonic()
    expect(clock.monotonic()).toBeGreaterThanOrEqual(first)
  })
})

test('the system clock goes silent when closed', async () => {
  const clock = systemClock()
  const fired: string[] = []
  clock.setTimer(1, () => fired.push('before close'))
  clock.close()
  clock.setTimer(0, () => fired.push('after close'))
  const other = systemClock()
  await new Promise<void>((resolve) => other.setTimer(5, resolve))
  other.close()
  expect(fired).toEqual([])
})

test('a wait longer than the platform can count does not wake the system clock over and over', async () => {
  const clock = systemClock()
  const warnings: string[] = []
  const warned = (warning: Error): void => void warnings.push(warning.name)
  process.on('warning', warned)
  clock.setTimer(2 ** 33, () => {})
  await new Promise<void>((resolve) => setImmediate(resolve))
  process.off('warning', warned)
  clock.close()
  expect(warnings).toEqual([])
})

test('a callback that throws does not keep the others from firing', async () => {
  const clock = systemClock()
  const caught = new Promise<unknown>((resolve) => process.once('uncaughtException', resolve))
  const others = process.listeners('uncaughtException').slice(0, -1)
  for (const listener of others) process.off('uncaughtException', listener)
  clock.setTimer(0, () => {
    throw new Error('mine')
  })
  const fired = new Promise<string>((resolve) => clock.setTimer(1, () => resolve('fired')))
  expect(await caught).toMatchObject({ message: 'mine' })
  for (const listener of others) process.on('uncaughtException', listener)
  expect(await fired).toBe('fired')
  clock.close()
})

test('a virtual timer fires at its own instant, and what it sets off is done before the next', async () => {
  const clock = virtualClock({ now: 1_000 })
  const seen: string[] = []
  clock.setTimer(50, () => seen.push(`timer ${clock.now()}`))
  clock.setTimer(20, async () => {
    for (let hop = 0; hop < 20; hop++) await Promise.resolve()
    seen.push(`chain ${clock.now()}`)
  })
  await clock.advance(100)
  expect(seen).toEqual(['chain 1020', 'timer 1050'])
  expect([clock.now(), clock.pending()]).toEqual([1_100, 0])
})

test('a step of the virtual wall clock does not touch waits', async () => {
  const clock = virtualClock({ now: 1_000 })
  let fired = 0
  clock.setTimer(50, () => fired++)
  clock.stepWall(-500)
  await clock.advance(49)
  expect([clock.now(), clock.monotonic(), fired]).toEqual([549, 49, 0])
  await clock.advance(1)
  expect(fired).toBe(1)
})
