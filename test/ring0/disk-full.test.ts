import type { JournalRecord } from '@vigil/protocol'
import { disk, judge, type World, type WorldOptions, world } from '@vigil/testkit'
import { describe, expect, test } from 'vitest'

const torture = process.env['VIGIL_TORTURE'] !== undefined
const seeds = Array.from({ length: torture ? 200 : 6 }, (_, index) => index + 1)

const agents: WorldOptions['agents'] = {
  clerk: {
    network: { allow: ['out'] },
    async run(event, ctx) {
      const { n } = event.payload as { n: number }
      await ctx.fetch(`http://out/first/${n}`, { method: 'POST' })
      await ctx.sleep(1_000)
      await ctx.fetch(`http://out/second/${n}`, { method: 'POST' })
      ctx.state.append('done', n)
    },
  },
  walker: {
    network: { allow: ['out'] },
    async run(_event, ctx) {
      for (let step = 0; step < 200; step += 1) await ctx.fetch(`http://out/step/${step}`, { method: 'POST' })
      return 'there'
    },
  },
  watcher: {
    triggers: [{ type: 'file_watch', watchPath: '/in', existing: 'deliver' }],
    run: (event, ctx) => ctx.state.append('files', (event.payload as { filename: string }).filename),
  },
  ticker: {
    triggers: [{ type: 'cron', cronExpression: '*/10 * * * * *' }],
    run: (_event, ctx) => ctx.state.add('ticks', 1),
  },
}

interface Posted {
  readonly accepted: Set<number>
  readonly refused: Map<number, unknown>
}

/** An event and a file every two seconds, for so long; each event is posted once and never again. */
function busy(w: World, ms: number): Posted {
  const posted: Posted = { accepted: new Set(), refused: new Map() }
  for (let n = 0; n * 2_000 < ms; n += 1) {
    w.clock.setTimer(n * 2_000, () => {
      w.files.put(`/in/${n}`)
      w.client.postEvent('clerk', { n }).then(
        () => posted.accepted.add(n),
        (error: { code?: string }) => posted.refused.set(n, error.code),
      )
    })
  }
  return posted
}

async function allRecords(w: World): Promise<JournalRecord[]> {
  await w.stop()
  const { violations, log } = await judge(w)
  expect(violations).toEqual([])
  w.close()
  return [...log]
}

describe('ring 0 on a full disk', () => {
  test.each(seeds)(
    'lives through minutes of it: nothing accepted is lost, and all goes on by itself (seed %i)',
    async (seed) => {
      const faults = [
        disk.full(seed * 40).between(20_000, 140_000),
        disk.full().between(200_000, 320_000),
        disk.full(7_000).between(330_000, 400_000),
      ]
      const w = world({ seed, agents, faults, onceOnly: () => true })
      await w.until(() => w.settled, 10_000)
      const posted = busy(w, 420_000)
      await w.run(480_000)
      const clerk = await w.client.context('clerk')
      const watcher = await w.client.context('watcher')
      expect(w.starts, 'it did not end').toBe(1)
      expect(w.supervisor?.ready).toBe(true)
      expect(new Set(clerk.state['done'] as number[])).toEqual(posted.accepted)
      expect(new Set(posted.refused.values())).toEqual(new Set(['DISK_FULL']))
      expect(posted.refused.size).toBeGreaterThan(60)
      expect((watcher.state['files'] as string[]).length, 'each file once').toBe(210)
      expect(new Set(watcher.state['files'] as string[]).size).toBe(210)
      const log = await allRecords(w)
      const turns = log.filter(({ type }) => /^journal\.disk_/.test(type)).map(({ type }) => type)
      expect(turns).toEqual(Array.from({ length: 3 }, () => ['journal.disk_filled', 'journal.disk_freed']).flat())
    },
  )

  test('a turn that cannot be recorded any more is stopped, and goes on from the record without doing anything twice', async () => {
    const w = world({ seed: 3, agents, faults: [disk.full().between(20_500, 140_000)], onceOnly: () => true })
    await w.until(() => w.settled, 10_000)
    const said: string[] = []
    w.supervisor?.on('log', ({ process, message }) => process === '@runtime' && said.push(message))
    w.clock.setTimer(15_000, () => void w.client.postEvent('walker', {}))
    await w.run(60_000)
    const steps = w.outside.done.length
    expect(w.supervisor?.get('walker').status()).toMatchObject({ residency: 'hibernated', mailbox: { open: 1 } })
    expect(w.supervisor?.ready).toBe(false)
    expect(await w.client.runtimeStatus()).toMatchObject({ ready: false, disk: 'full' })
    for (const call of [w.client.publish('x', 1), w.client.patchContext('clerk', { x: 1 }), w.client.journal('walker')])
      await expect(call).rejects.toMatchObject({ code: 'DISK_FULL', status: 507 })
    await w.run(60_000)
    expect(w.outside.done, 'nothing is done that could not be recorded').toHaveLength(steps)
    await w.run(120_000)
    expect(said[0]).toMatch(/the disk is full/)
    expect(said[1]).toMatch(/takes nothing at all/)
    expect(said.at(-1)).toMatch(/the disk has room again/)
    const log = await allRecords(w)
    expect(w.outside.done.map(({ url }) => url)).toEqual(
      Array.from({ length: 200 }, (_, step) => `http://out/step/${step}`),
    )
    expect(log).toContainEqual(
      expect.objectContaining({
        process: 'walker',
        type: 'incarnation.released',
        data: expect.objectContaining({ why: 'disk' }),
      }),
    )
    expect(log.filter((record) => record.type === 'incarnation.exited' && record.data.charged)).toEqual([])
  })

  test('a stop on a disk that takes nothing comes to an end', async () => {
    const w = world({ seed: 4, agents, faults: [disk.full().between(20_500, 3_600_000)] })
    await w.until(() => w.settled, 10_000)
    busy(w, 20_000)
    await w.run(120_000)
    const stopping = w.supervisor?.stop()
    const ended = stopping?.then(
      () => 'in order',
      (error: { code?: string }) => error.code,
    )
    await w.run(60_000)
    expect(['in order', 'DISK_FULL']).toContain(await Promise.race([ended, Promise.resolve('not at all')]))
    w.close()
  })
})
