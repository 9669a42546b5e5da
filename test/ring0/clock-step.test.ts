import { cron, onEvent } from '@vigil/supervisor'
import { judge, stepClock, type World, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

/** The wall clock is set while ring 0 lives: it is put on record, and what runs on time that passes does not notice. */
let w: World
afterEach(() => w.close())

const hour = 3_600_000

test.each([
  ['an hour back', -hour],
  ['an hour forward', hour],
  ['to another decade', 12 * 365 * 24 * hour],
])('fault test 11: %s', async (_, by) => {
  w = world({
    seed: 1,
    agents: {
      sleeper: { run: (_event, ctx) => ctx.sleep('5m') },
      retrier: {
        delivery: { retryBackoff: '5m', retryBackoffMax: '5m', maxRetries: 1 },
        run(_event, ctx) {
          if (ctx.turn.attempt === 1) throw new Error('not yet')
        },
      },
      settler: { run: () => null, triggers: [onEvent('settle', { debounce: '5m' })] },
      batcher: { run: () => null, triggers: [onEvent('gather', { batch: { max: 9, within: '5m' } })] },
      ticker: { run: () => null, triggers: [cron('0 * * * *')] },
    },
    faults: [stepClock(by).at(60_000)],
  })
  await w.until(() => w.settled, 60_000)
  const completed = (name: string) => w.supervisor?.get(name).status().counters.completed
  const began = w.clock.monotonic()
  const post = () => w.client.postEvent('sleeper', 1, { idempotencyKey: 'once' })
  void post()
  void w.client.postEvent('retrier', 1)
  for (const topic of ['settle', 'gather']) void w.client.publish(topic, 1)
  // A backoff takes away up to a quarter.
  await w.run(began + 220_000 - w.clock.monotonic())
  const waits = () => ['sleeper', 'retrier', 'settler', 'batcher'].map(completed)
  expect(waits(), 'waits are not cut short').toEqual([0, 0, 0, 0])
  await w.run(180_000)
  expect(waits(), 'and take no longer').toEqual([1, 1, 1, 1])
  const again = post()
  await w.run(1_000)
  expect(await again).toMatchObject({ duplicate: true })
  await w.run(hour)
  await w.stop()
  const { log, violations } = await judge(w)
  expect(violations).toEqual([])
  expect(log.flatMap((record) => (record.type === 'clock.stepped' ? [record.data.by_ms] : []))).toEqual([by])
  const slots = log.filter(({ type, process }) => type === 'trigger.accepted' && process === 'ticker')
  expect(slots).toHaveLength(by < 0 ? 0 : 2)
})
