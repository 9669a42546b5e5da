import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'

const example = fileURLToPath(new URL('../../examples/production-line', import.meta.url))
const stations = ['oven', 'belt', 'packer']

interface View {
  readonly state: string
  readonly epoch: number
  readonly pid?: number
  readonly last_exit?: {
    readonly cause: { readonly kind: string }
  }
}

let folder: string
let daemon: Daemon
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigil-line-'))
  daemon = await startDaemon(folder, [example])
})
afterEach(async () => {
  daemon.child.kill('SIGTERM')
  expect(await daemon.exited).toEqual({ code: 0, signal: null })
  rmSync(folder, { recursive: true, force: true })
})

const view = async (name: string): Promise<View> =>
  (await daemon.call('GET', `/processes/${name}`)).body as unknown as View
const views = (): Promise<View[]> => Promise.all(stations.map(view))
const order = async (name: string, payload: object) =>
  (await daemon.call('POST', `/processes/${name}/events?wait=20s`, payload)).body
const epochs = (expected: readonly number[]) =>
  until(`the lives to be ${expected}`, async () => {
    const now = await views()
    return now.every(({ state }, index) => state === 'running' && now[index]?.epoch === expected[index])
  })

test('those behind the dead one begin again, and what they had counted stays', async () => {
  await epochs([1, 1, 1])
  expect(new Set((await views()).map(({ pid }) => pid)).size).toBe(1)
  expect(await order('packer', {})).toMatchObject({ result: { in_this_life: 1, in_all: 1 } })
  await order('belt', { do: 'die' })
  await epochs([1, 2, 2])
  expect(await order('packer', {})).toMatchObject({ result: { in_this_life: 1, in_all: 2 } })
})

test('who takes too much is found, and what made it do so is a dead letter', async () => {
  expect(await order('packer', { do: 'hog' })).toMatchObject({
    status: 'dead_lettered',
    error: { code: 'CRASHED_TWICE' },
  })
  expect((await view('packer')).last_exit?.cause).toMatchObject({ kind: 'memory', limit_mb: 128 })
  await until('all to run', async () => (await views()).every(({ state }) => state === 'running'))
})

test('a group that has borne enough gives up, and a start brings it back', async () => {
  for (const life of [2, 3, 4]) {
    await order('oven', { do: 'die' })
    await epochs([life, life, life])
  }
  await order('oven', { do: 'die' })
  await until('all to be parked', async () => (await views()).every(({ state }) => state === 'failed'))
  await daemon.call('POST', '/processes/oven/start')
  await until('oven to run', async () => (await view('oven')).state === 'running')
})
