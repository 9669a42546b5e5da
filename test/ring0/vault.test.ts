import type { ExitCause, JournalRecord } from '@vigil/protocol'
import { seededRandom, simulatedFileSystem, virtualClock } from '@vigil/testkit'
import { beforeEach, expect, it, test } from 'vitest'
import { newProcessFold, type ProcessFold, type TurnFold } from '../../packages/supervisor/src/fold/process-fold.ts'
import { swapOf } from '../../packages/supervisor/src/gateway/secret-swap.ts'
import type { AgentSecret, Manifest } from '../../packages/supervisor/src/manifests/manifest.ts'
import { isLive, secretBytes } from '../../packages/supervisor/src/vault/secret-page.ts'
import { openSecretStore } from '../../packages/supervisor/src/vault/secret-store.ts'
import { type Vault, vault } from '../../packages/supervisor/src/vault/vault.ts'

const value = 'hunter2hunter2'
const text = (page: SharedArrayBuffer): string => Buffer.from(secretBytes(page)).toString()
const isZeroed = (page: SharedArrayBuffer): boolean => !isLive(page) && secretBytes(page).every((byte) => byte === 0)

const fileSystem = simulatedFileSystem()
let clock: ReturnType<typeof virtualClock>
let process: ProcessFold
let world: Map<string, ProcessFold>
let subject: Vault
let changes: number

const manifest = (secrets: Record<string, AgentSecret>) => ({ name: 'a', secrets }) as unknown as Manifest
const site = () => ({ process, turn: { salt: 'salt' } as TurnFold, key: 'k' })
const take = async (...names: string[]) => {
  const { secrets, release } = await subject.take(site(), new Set(names))
  const pageOf = (name: string) => secrets.find((secret) => secret.name === name)?.page as SharedArrayBuffer
  return { pages: names.map(pageOf), pageOf, release }
}
const heard = (type: JournalRecord['type'], epoch = process.epoch) =>
  subject.heard({ type, process: 'a', epoch } as JournalRecord)
const live = () => [...subject.live()].map(({ name, process: owner, page }) => [owner, name, text(page)])

beforeEach(async () => {
  clock = virtualClock()
  process = newProcessFold('a', manifest({ one: { variable: 'ONE' }, two: { variable: 'TWO' } }), 'b1')
  Object.assign(process, { desired: 'running', alive: true, epoch: 1 })
  world = new Map([['a', process]])
  changes = 0
  const random = seededRandom(1)
  const store = await openSecretStore({ env: {}, keyFile: undefined, fileSystem, random, dataDirectory: undefined })
  subject = vault({
    env: { ONE: value, TWO: 'second secret' },
    fileSystem,
    clock,
    store,
    read: () => undefined,
    processOf: (name) => world.get(name),
  })
  subject.changed(() => {
    changes += 1
  })
})

it('knows every secret of a process before its life begins, and tells of each that comes and goes', async () => {
  await subject.begin(process)
  expect(live()).toEqual([
    ['a', 'one', value],
    ['a', 'two', 'second secret'],
  ])
  expect(changes).toBe(2)
  world.delete('a')
  heard('process.removed')
  expect([live(), changes]).toEqual([[], 4])
})

/** Whoever adds a way to end has to say here that it leaves nothing. */
const causes: { readonly [K in ExitCause['kind']]: 'incarnation.exited' } = {
  normal: 'incarnation.exited',
  shutdown: 'incarnation.exited',
  error: 'incarnation.exited',
  exit_code: 'incarnation.exited',
  signal: 'incarnation.exited',
  memory: 'incarnation.exited',
  start_timeout: 'incarnation.exited',
  heartbeat_lost: 'incarnation.exited',
  wedged: 'incarnation.exited',
  cell_lost: 'incarnation.exited',
  cell_forged: 'incarnation.exited',
  failures: 'incarnation.exited',
}
const ends = [...Object.entries(causes), ['rest', 'incarnation.released'] as const]
test.each(ends)('sab_zeroed_on_every_exit_cause: %s; what everybody may look for stays', async (kind, type) => {
  const { pages, pageOf, release } = await take('one')
  release()
  process.lastExit = { at: '', cause: { kind } as ExitCause }
  heard(type)
  expect(pages.map(isZeroed)).toEqual([true])
  expect(pageOf('one')).not.toBe([...subject.live()][0]?.page)
  expect(live()).toHaveLength(2)
})

it('does not cut an effect that ring 0 makes for a life that is over; the next life has its own page', async () => {
  const first = await take('one')
  heard('incarnation.exited')
  process.epoch = 2
  const second = await take('one')
  expect(first.pages.map(text)).toEqual([value])
  expect(second.pages[0]).not.toBe(first.pages[0])
  first.release()
  expect([...first.pages, ...second.pages].map(isZeroed)).toEqual([true, false])
})

test.each([
  ['a stop', 'incarnation.exited', () => Object.assign(process, { desired: 'stopped', alive: false })],
  ['giving up on it', 'process.parked', () => Object.assign(process, { parked: 'x', alive: false })],
  ['its removal', 'process.removed', () => world.delete('a')],
  ['a manifest without it', 'process.deployed', () => Object.assign(process, { manifest: manifest({}) })],
] as const)('%s zeroes all at once, also what is in use', async (_name, type, change) => {
  const taken = await take('one')
  const sources = [...subject.live()].map(({ page }) => page)
  change()
  heard(type)
  expect([...taken.pages, ...sources].map(isZeroed)).toEqual([true, true, true])
  expect(live()).toEqual([])
})

it('zeroes what is older than its ttl, and reads it anew when it is needed again', async () => {
  process.manifest = manifest({ one: { variable: 'ONE', ttlMs: 60_000 } })
  const first = await take('one')
  await clock.advance(59_999)
  expect(first.pages.map(text)).toEqual([value])
  await clock.advance(1)
  expect([first.pages.map(isZeroed), live()]).toEqual([[true], []])
  expect((await take('one')).pages.map(text)).toEqual([value])
})

it('reads a variable that is not set when it is needed, and says which it was', async () => {
  process.manifest = manifest({ gone: { variable: 'GONE' } })
  await subject.begin(process)
  expect(live()).toEqual([])
  await expect(take('gone')).rejects.toMatchObject({ code: 'SECRET_MISSING', message: expect.stringContaining('GONE') })
})

it('uses a default for want of a variable; it is on record, so nobody looks for it', async () => {
  process.manifest = manifest({ one: { variable: 'GONE', fallback: 'for tests' } })
  expect([(await take('one')).pages.map(text), live()]).toEqual([['for tests'], []])
})

it('leaves nothing behind when the supervisor ends, also of what was being read', async () => {
  const { pages } = await take('one')
  const reading = subject.begin(process)
  subject.close()
  await reading
  expect([pages.map(isZeroed), live()]).toEqual([[true], []])
})

test('what servers are given is known for what comes back, and no text of the agent stands for it', async () => {
  const servers = { s: { url: 'https://s.example', headers: { authorization: 'Bearer $' + '{ONE}' } } }
  process.manifest = { ...manifest({}), servers }
  const { secrets } = await subject.take(site(), new Set())
  expect(secrets.map(({ name, placeholder }) => [name, placeholder])).toEqual([['server.ONE', '']])
  expect(text(await subject.look(process, 'server.ONE'))).toBe(value)
  expect(live()).toEqual([['a', 'server.ONE', value]])
  expect(swapOf(secrets, Buffer.from('any body'))).toEqual({ secrets: [], bodyGrowth: 0 })
})
