import type { JournalRecord } from '@vigil/protocol'
import { judge, type World, type WorldAgent, type WorldOptions, world } from '@vigil/testkit'
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

/** Ring 0 dies; while it is down bodies are taken away or damaged, and it knows only what the log says. */
async function harmed(w: World, harm: (folder: (process: string) => string) => Promise<void>): Promise<void> {
  w.kill()
  await harm((process) => `/data/blobs/${process}`)
  for (const round of await w.disk.readDirectory('/data/checkpoints')) await w.disk.remove(`/data/checkpoints/${round}`)
  await w.run(120_000)
  expect(w.starts).toBe(2)
}

const removeAll = async (w: World, folder: string): Promise<void> => {
  for (const name of await w.disk.readDirectory(folder)) await w.disk.remove(`${folder}/${name}`)
}

test('an event whose body is gone becomes a dead letter at the start, and everybody else goes on', async () => {
  const w = world({
    seed: 1,
    agents: { ...agents('keep'), other: { run: () => 'done' } },
    answers: () => ({ status: 200, body: large('reply') }),
  })
  await w.until(() => w.settled, 10_000)
  void w.client.publish('notes', large('note'))
  await w.run(30_000)
  void w.client.publish('notes', 'short')
  await w.run(1_000)
  await harmed(w, async (folder) => removeAll(w, folder('@runtime')))
  expect(w.supervisor?.report).toMatchObject({ bodiesLost: 1, lost: 0 })
  const [letter] = (await w.client.deadLetters('clerk')).dead_letters
  expect(letter).toMatchObject({ reason: 'body_lost', error: { code: 'BODY_LOST' }, attempts: 1 })
  expect((await w.client.context('clerk')).state).toEqual({ last: '5 5000' })
  expect((await w.client.process('clerk')).state).toBe('running')
  expect(await w.client.redeliver('clerk')).toEqual({ event_ids: [] })
  const event_ids = [letter?.event_id ?? '']
  await expect(w.client.redeliver('clerk', event_ids)).rejects.toMatchObject({ code: 'BODY_LOST' })
  void w.supervisor?.get('other').enqueue({})
  await w.run(10_000)
  expect((await w.client.turns('other')).turns[0]).toMatchObject({ state: 'completed' })
  w.close()
})

test('so does a turn whose recorded outcome is damaged, and its event can be redelivered', async () => {
  const w = await begun('keep')
  await w.run(30_000)
  await harmed(w, async (folder) => {
    const [name] = (await w.disk.readDirectory(folder('clerk'))) as [string]
    const handle = await w.disk.open(`${folder('clerk')}/${name}`, 'write')
    handle.write(Buffer.from('"R'), 0)
    await handle.sync()
    await handle.close()
  })
  const [letter] = (await w.client.deadLetters('clerk')).dead_letters
  expect(letter).toMatchObject({ reason: 'body_lost', error: { code: 'BODY_LOST' } })
  void w.client.redeliver('clerk', [letter?.event_id ?? ''])
  await w.run(100_000)
  expect((await w.client.context('clerk')).state).toEqual({ last: '5000 5000' })
  w.close()
})

test('a redelivered payload goes with a purge like the first one; what is small stays in its line', async () => {
  const clerk: WorldAgent = {
    delivery: { maxRetries: 0 },
    run(event) {
      if (event.metadata['redelivered_from'] === undefined) throw new Error('not yet')
      return 'done'
    },
  }
  const w = world({ seed: 1, agents: { clerk } })
  await w.until(() => w.settled, 10_000)
  void w.client.postEvent('clerk', { text: large('secret'), small: 'initials' })
  await w.run(5_000)
  expect(await w.client.purge('clerk')).toEqual({ removed: 0 })
  void w.client.redeliver('clerk')
  await w.run(5_000)
  expect(w.supervisor?.get('clerk').status().counters).toMatchObject({ completed: 1 })
  void w.client.postEvent('clerk', { text: 'short secret' })
  await w.run(5_000)
  expect(await w.client.purge('clerk')).toEqual({ removed: 1 })
  const names = await w.disk.readDirectory('/data/journal')
  const files = await Promise.all(
    names.filter((name) => name.endsWith('.jsonl')).map((name) => w.disk.readFile(`/data/journal/${name}`)),
  )
  const text = Buffer.concat(files).toString()
  expect([text.includes('secretsecret'), text.includes('initials')]).toEqual([false, false])
  expect(text).toContain('short secret')
  await ended(w)
})

test('the judge of a world sees a body that is missing from its disk', async () => {
  const w = await begun('keep')
  await w.run(30_000)
  await w.stop()
  await removeAll(w, '/data/blobs/@runtime')
  const { violations } = await judge(w)
  expect(violations).toContainEqual(expect.stringMatching(/the body that event .* of "clerk" needs is gone/))
  w.close()
})
