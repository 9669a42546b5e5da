import type { AgentContext, AgentEvent } from '@vigil/agent'
import { cron, fileWatch, onEvent, type TriggerSpec, webhook } from '@vigil/supervisor'
import { judge, type World, world } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'

/** Triggers that operators add, turn off and fire, over REST, on a running process. */
let w: World
afterEach(() => w.close())

const run = (event: AgentEvent, ctx: AgentContext) => {
  ctx.state.append('seen', { type: event.type, payload: event.payload, by: event.metadata.by ?? null })
  return 'done'
}
const start = async (triggers: readonly TriggerSpec[]) => {
  w = world({ seed: 1, agents: { a: { run, triggers } } })
  await w.until(() => w.settled, 60_000)
}
/** Virtual time passes while a call is answered. */
const answer = async <T>(call: Promise<T>): Promise<T> => {
  const ends: PromiseSettledResult<T>[] = []
  void Promise.allSettled([call]).then(([end]) => ends.push(end))
  await w.until(() => ends.length > 0, 60_000)
  const [end] = ends
  if (end === undefined) throw new Error('no answer within a minute')
  if (end.status === 'rejected') throw end.reason
  return end.value
}
const status = () => w.supervisor?.get('a').status()
const trigger = (id: string) => status()?.triggers.find((each) => each.id === id)
const seen = async () => ((await w.client.context('a')).state.seen ?? []) as { type: string; payload: unknown }[]

test('an added trigger is live at once and survives a kill, checkpoints and another deploy', async () => {
  await start([])
  const { trigger_id, next_fire } = await answer(w.client.addTrigger('a', { cron: '*/10 * * * * *' }))
  expect(Date.parse(next_fire ?? '') - w.clock.now()).toBeLessThanOrEqual(10_000)
  await w.run(30_000)
  expect(status()?.counters.completed).toBeGreaterThanOrEqual(2)
  expect(trigger(trigger_id)).toMatchObject({ origin: 'operator', armed: true, text: '*/10 * * * * * (UTC)' })
  w.kill()
  await w.until(() => w.settled, 60_000)
  const before = status()?.counters.completed ?? 0
  w.adopt('a')
  await w.run(30_000)
  expect(status()?.counters.completed).toBeGreaterThan(before)
  expect(status()?.drift).toEqual([{ path: `triggers.${trigger_id}`, change: 'added' }])
  expect((trigger(trigger_id)?.accepted ?? 0) >= before).toBe(true)

  await answer(w.client.removeTrigger('a', trigger_id))
  await w.run(20_000)
  const after = status()?.counters.completed
  await w.run(30_000)
  expect([status()?.counters.completed, status()?.drift, trigger(trigger_id)]).toEqual([after, [], undefined])
  await expect(answer(w.client.removeTrigger('a', trigger_id))).rejects.toMatchObject({ code: 'TRIGGER_NOT_FOUND' })
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
})

test('one of the manifest is turned off, also for the life after the next, and on again by the same trigger', async () => {
  await start([cron('*/10 * * * * *')])
  const id = status()?.triggers[0]?.id ?? ''
  await answer(w.client.removeTrigger('a', id))
  const off = { enabled: false, armed: false, problem: 'turned off by an operator', origin: 'manifest' }
  expect([trigger(id), status()?.drift]).toMatchObject([off, [{ path: `triggers.${id}`, change: 'off' }]])
  w.kill()
  await w.until(() => w.settled, 60_000)
  const before = status()?.counters.completed
  await w.run(60_000)
  expect([status()?.counters.completed, trigger(id)]).toMatchObject([before, off])
  const tuned = w.client.addTrigger('a', { cron: '*/10 * * * * *', overlap: 'buffer_all' })
  await expect(answer(tuned)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  await answer(w.client.addTrigger('a', { cron: '*/10 * * * * *' }))
  await w.run(25_000)
  // Slots of the time while it was off were not missed.
  expect(status()?.counters.completed).toBeGreaterThan(before ?? 0)
  expect(trigger(id)).toMatchObject({ armed: true, missed: 0 })
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
})

test('what an operator fires is of the type, passes the filter, and moves no slot', async () => {
  await start([cron('0 0 1 1 *', { filter: "payload.kind != 'no'" }), onEvent('news.*')])
  const [slots, news] = (status()?.triggers ?? []).map(({ id }) => id) as [string, string]
  expect(await answer(w.client.fireTrigger('a', slots, { kind: 'yes' }))).toMatchObject({ accepted: true })
  expect(await answer(w.client.fireTrigger('a', slots, { kind: 'no' }))).toEqual({ accepted: false, reason: 'filter' })
  expect(await answer(w.client.fireTrigger('a', news, 7))).toMatchObject({ accepted: true })
  await w.run(10_000)
  expect(await answer(seen())).toEqual([
    { type: 'cron', payload: { kind: 'yes' }, by: 'operator' },
    { type: 'event', payload: 7, by: 'operator' },
  ])
  expect(trigger(slots)).toMatchObject({ accepted: 1, refused: { filter: 1 }, missed: 0 })
  await answer(w.client.control('a', 'stop'))
  await expect(answer(w.client.fireTrigger('a', news, 7))).rejects.toMatchObject({ code: 'INVALID_STATE' })
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
})

test('hooks, publications and folders find what was added, and no more what was removed', async () => {
  await start([fileWatch('/own'), webhook('/own', { auth: 'none' })])
  const ids: string[] = []
  for (const given of [
    { webhook: '/added', auth: 'none' },
    { event: 'news.*' },
    { file: '/in/*.csv', existing: 'deliver' },
  ])
    ids.push((await answer(w.client.addTrigger('a', given))).trigger_id)
  const wake = async () => {
    const hook = await answer(
      w.fetch('/hooks/added', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }),
    )
    await answer(w.client.publish('news.x', 1))
    w.files.put('/in/a.csv', String(w.clock.now()))
    await w.run(20_000)
    return hook.status
  }
  expect(await wake()).toBe(202)
  expect((await answer(seen())).map(({ type }) => type).sort()).toEqual(['event', 'file_watch', 'webhook'])
  for (const id of ids) await answer(w.client.removeTrigger('a', id))
  expect(await wake()).toBe(404)
  expect(await answer(seen())).toHaveLength(3)
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
})

test('a trigger that is tuned by another manifest listens in the new way', async () => {
  const agents = { a: { run, triggers: [cron('*/10 * * * * *', { filter: 'false' })] } }
  w = world({ seed: 1, agents })
  await w.until(() => w.settled, 60_000)
  await w.run(20_000)
  expect(status()?.counters.completed).toBe(0)
  agents.a.triggers = [cron('*/10 * * * * *')]
  w.adopt('a')
  await w.run(30_000)
  expect(status()?.counters.completed).toBeGreaterThan(0)
  await w.stop()
  expect((await judge(w)).violations).toEqual([])
})

test('there is an end to what may be added, and nothing is added twice', async () => {
  await start([])
  const add = (topic: string) => answer(w.client.addTrigger('a', { event: topic }))
  for (let k = 0; k < 100; k += 1) await add(`t${k}`)
  await expect(add('t0')).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
  await expect(add('t100')).rejects.toMatchObject({ code: 'TOO_LARGE' })
})
