import { disk, judge, world } from '@vigil/testkit'
import { expect, test } from 'vitest'

test.each([500, 5_000])(
  'fault test 9: each sync takes %i ms longer; answers wait, order is kept, nothing is lost',
  async (ms) => {
    const w = world({
      seed: 1,
      agents: { clerk: { run: (event, ctx) => ctx.state.append('seen', (event.payload as { n: number }).n) } },
      faults: [disk.slow(ms).between(5_000, 65_000)],
    })
    await w.until(() => w.settled, 5_000)
    await w.run(6_000 - w.clock.monotonic())
    let answered = 0
    for (let n = 0; n < 100; n += 1) void w.client.postEvent('clerk', { n }).then(() => (answered += 1))
    await w.run(ms - 100)
    expect(answered, 'nobody hears before the disk does').toBe(0)
    await w.run(100_000)
    expect(answered).toBe(100)
    expect(w.starts).toBe(1)
    expect((await w.client.context('clerk')).state['seen']).toEqual(Array.from({ length: 100 }, (_, n) => n))
    await w.stop()
    expect((await judge(w)).violations).toEqual([])
    w.close()
  },
)
