import { openFileStore } from '@vigil/journal'
import type { JournalRecord } from '@vigil/protocol'
import { recover } from '@vigil/supervisor/internal'
import { judge, type World, type WorldOptions, world } from '@vigil/testkit'
import { expect, test } from 'vitest'

const large = (seed: string): string => seed.repeat(Math.ceil(5_000 / seed.length))

const agents = (bodies: 'keep' | 'hash'): WorldOptions['agents'] => ({
  clerk: {
    triggers: [{ type: 'event', eventType: 'notes' }],
    network: { allow: ['out'] },
    journal: { bodies, bodiesRetention: '10m' },
    async run(event, ctx) {
      const { data } = event.payload as { data: string }
      const reply = await ctx.fetch('http://out/', { method: 'POST' })
      await ctx.sleep(60_000)
      ctx.state.set('last', `${data.length} ${(await reply.text()).length}`)
      return data
    },
  },
})

async function begun(bodies: 'keep' | 'hash'): Promise<World> {
  const w = world({ seed: 1, agents: agents(bodies), answers: () => ({ status: 200, body: large('reply') }) })
  await w.until(() => w.settled, 10_000)
  void w.client.publish('notes', large('note'))
  return w
}

const blobs = async (w: World, process: string): Promise<number> =>
  (await w.disk.stat(`/data/blobs/${process}`)) === undefined
    ? 0
    : (await w.disk.readDirectory(`/data/blobs/${process}`)).length

async function ended(w: World): Promise<readonly JournalRecord[]> {
  await w.stop()
  const { violations, log } = await judge(w)
  expect(violations.filter((violation) => !/was told of/.test(violation))).toEqual([])
  w.close()
  return log
}

test('what an open turn needs survives a purge and the death of ring 0; afterwards only its hash stays', async () => {
  const w = await begun('keep')
  await w.run(30_000)
  expect(await w.client.purge('clerk')).toEqual({ removed: 0 })
  w.faults.add({ does: { kind: 'kill' }, when: { at: 1 } })
  await w.run(120_000)
  expect(w.starts).toBe(2)
  expect((await w.client.context('clerk')).state).toEqual({ last: '5000 5000' })
  expect([await blobs(w, '@runtime'), await blobs(w, 'clerk')]).toEqual([1, 2])
  const { entries } = await w.client.journal('clerk', { type: 'turn.completed' })
  const whole = await w.client.journal('clerk', { type: 'turn.completed', bodies: 'whole' })
  const reference = { $blob: expect.stringMatching(/^[0-9a-f]{64}$/), bytes: 5_002 }
  expect(entries[0]?.data).toMatchObject({ result: reference })
  expect(whole.entries[0]?.data).toMatchObject({ result: large('note') })
  expect(await w.client.purge('clerk')).toEqual({ removed: 2 })
  const after = await w.client.journal('clerk', { type: 'turn.completed', bodies: 'whole' })
  expect(after.entries[0]?.data).toMatchObject({ result: { ...reference, gone: true } })
  const turn = after.entries[0]?.turn ?? ''
  const gone = { code: 'BODY_GONE' }
  await expect(w.supervisor?.get('clerk').result(turn.slice('t-'.length))).rejects.toMatchObject(gone)
  await expect(w.client.replayTurn('clerk', turn)).rejects.toMatchObject(gone)
  const log = await ended(w)
  expect(JSON.stringify(log)).not.toContain('replyreply')
})

test('bodies: hash keeps nothing when the turn has ended', async () => {
  const w = await begun('hash')
  await w.run(30_000)
  expect(await blobs(w, 'clerk')).toBe(1)
  await w.run(60_000)
  expect((await w.client.context('clerk')).state).toEqual({ last: '5000 5000' })
  expect(await blobs(w, 'clerk')).toBe(0)
  await ended(w)
})

test('what is older than bodies_retention goes by the hour, and with its process', async () => {
  const w = await begun('keep')
  await w.run(100_000)
  expect(await blobs(w, 'clerk')).toBe(2)
  await w.run(3_600_000)
  expect(await blobs(w, 'clerk')).toBe(0)
  void w.client.publish('notes', large('other'))
  await w.run(100_000)
  expect(await blobs(w, 'clerk')).toBe(2)
  void w.supervisor?.get('clerk').remove()
  await w.run(30_000)
  expect(await blobs(w, 'clerk')).toBe(0)
  w.close()
})

test('a start without a body that an event needs is refused, and never makes something up', async () => {
  const w = await begun('keep')
  await w.run(30_000)
  const [name] = (await w.disk.readDirectory('/data/blobs/@runtime')) as [string]
  const store = await openFileStore({ fileSystem: w.disk, clock: w.clock, directory: '/data' })
  await expect(recover(store)).resolves.toBeDefined()
  await w.disk.remove(`/data/blobs/@runtime/${name}`)
  for (const round of await w.disk.readDirectory('/data/checkpoints')) await w.disk.remove(`/data/checkpoints/${round}`)
  const again = await openFileStore({ fileSystem: w.disk, clock: w.clock, directory: '/data' })
  await expect(recover(again)).rejects.toMatchObject({ code: 'JOURNAL_DAMAGED', details: { blob: name } })
  w.close()
})
