import { pack } from 'msgpackr'
import { expect, test } from 'vitest'
import { alpha, worldOf } from '../../fixtures/process.ts'
import type { Trigger } from '../manifests/manifest.ts'
import { cron, fileWatch, onEvent } from '../manifests/trigger-builders.ts'
import { triggerId } from '../triggers/event-id.ts'
import { snapshotRow } from './checkpoint-row.ts'
import { packRow, unpackRow } from './packed-row.ts'
import { triggersOf } from './trigger-layers.ts'

const added: Trigger = { type: 'event', eventType: 'news.*' }
const other: Trigger = { type: 'event', eventType: 'other' }
const id = triggerId(added)

const begin = (...triggers: Parameters<typeof worldOf>[0]['triggers'] & {}) => {
  const world = worldOf({ triggers })
  const add = (trigger: Trigger) => {
    const data = { trigger_id: triggerId(trigger), trigger: { ...trigger }, by: 'operator' }
    world.put({ ...alpha, type: 'trigger.added', data })
  }
  const remove = (trigger_id: string) =>
    world.put({ ...alpha, type: 'trigger.removed', data: { trigger_id, by: 'operator' } })
  const deploy = (...next: readonly Trigger[]) => {
    const manifest = { ...world.fold().manifest, triggers: next }
    world.put({ ...alpha, type: 'process.deployed', data: { revision: 2, manifest, bundle: 'b1', by: 'manifest' } })
  }
  const told = () => triggersOf(world.fold()).map((each) => [triggerId(each), each.enabled !== false])
  return { ...world, add, remove, deploy, told }
}

test('what was added stands behind the triggers of the manifest, until it is removed', () => {
  const { add, remove, told, fold } = begin(onEvent('own'))
  const own = triggerId(fold().manifest.triggers[0] as Trigger)
  add(added)
  expect(told()).toEqual([
    [own, true],
    [id, true],
  ])
  remove(id)
  expect(told()).toEqual([[own, true]])
})

test('one of the manifest is turned off and on again', () => {
  const { add, remove, told, fold } = begin(onEvent('news.*'))
  remove(id)
  expect(told()).toEqual([[id, false]])
  remove(id)
  add(added)
  expect([told(), fold().overlay]).toEqual([[[id, true]], { added: [], off: [] }])
})

test('another manifest keeps the layer, but for what it brings itself or has no more', () => {
  const { add, remove, deploy, told, fold } = begin(onEvent('own'))
  const own = triggerId(fold().manifest.triggers[0] as Trigger)
  add(added)
  add(other)
  remove(own)
  deploy({ type: 'event', eventType: 'own' }, added)
  expect(told()).toEqual([
    [own, false],
    [id, true],
    [triggerId(other), true],
  ])
  deploy({ type: 'event', eventType: 'third' })
  expect(told().map(([each]) => each)).toEqual([triggerId({ type: 'event', eventType: 'third' }), triggerId(other)])
  deploy({ type: 'event', eventType: 'own' })
  expect(told()[0]).toEqual([own, true])
})

test('the list is the same until a layer changes, because lanes and filters are kept by it', () => {
  const { add, remove, deploy, fold } = begin(onEvent('own'))
  expect(triggersOf(fold())).toBe(fold().manifest.triggers)
  add(added)
  const before = triggersOf(fold())
  expect(triggersOf(fold())).toBe(before)
  deploy({ type: 'event', eventType: 'own' })
  expect(triggersOf(fold())).not.toBe(before)
  remove(id)
  expect(triggersOf(fold())).toHaveLength(1)
})

test('what a trigger saw is forgotten with it, also what it says when it is gone already', () => {
  const { remove, put, fold } = begin(fileWatch('/in'), cron('* * * * *'))
  const [files, slots] = fold().manifest.triggers.map(triggerId) as [string, string]
  const see = () => {
    put({ ...alpha, type: 'trigger.baseline', data: { trigger_id: files, files: [['/in/a', '1']] } })
    put({ ...alpha, type: 'trigger.armed', data: { trigger_id: slots, from: '2026-01-01T00:00:00.000Z' } })
  }
  see()
  expect([fold().baselines.size, fold().cronFrom.size]).toEqual([1, 1])
  remove(slots)
  remove(files)
  see()
  // Off and on again: a folder is compared with what stood there, a clock counts anew.
  expect([fold().baselines.size, fold().cronFrom.size]).toEqual([1, 0])
})

test('a checkpoint row gives the layer back, and rows from before there was one have none', () => {
  const { add, remove, put, fold } = begin(onEvent('own'))
  add(added)
  remove(triggerId(fold().manifest.triggers[0] as Trigger))
  const data = {
    event_id: 'p1',
    topic: 'news.x',
    data: 1,
    source: 's',
    timestamp: '',
    deliveries: [{ process: 'alpha', trigger_id: id, event_id: 'p1' }],
  }
  put({ ...alpha, type: 'bus.published', data })
  expect(fold().taken.get(id)).toMatchObject({ count: 1, last: { eventId: 'p1' } })
  expect(unpackRow(Buffer.concat([...packRow(fold(), 1)])).process).toEqual(fold())
  const { overlay: _, taken: __, ...old } = snapshotRow(fold())
  expect(unpackRow(pack(old)).process).toMatchObject({ overlay: { added: [], off: [] }, taken: new Map() })
})

test('what a person fired is no slot and no version of a file', () => {
  const { put, fold } = begin(fileWatch('/in'), cron('* * * * *'))
  for (const trigger of fold().manifest.triggers) {
    const event = {
      event_id: triggerId(trigger),
      trigger_id: triggerId(trigger),
      type: trigger.type as string,
      timestamp: '',
      payload: null,
      metadata: { by: 'operator' },
    }
    put({ ...alpha, type: 'trigger.accepted', data: { event } })
  }
  expect([fold().accepted, fold().cronFrom.size, fold().baselines.size]).toEqual([2, 0, 0])
})
