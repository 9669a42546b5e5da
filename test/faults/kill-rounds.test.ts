import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '@vigil/testkit'
import { afterEach, expect, test } from 'vitest'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'

/**
 * The promise of the first page: SIGKILL to the supervisor, to a cell, or to both, at any moment, while files and
 * REST events arrive, costs nothing. VIGIL_SEED repeats a run, VIGIL_TORTURE does 50 kills instead of 10.
 */
const kills = process.env['VIGIL_TORTURE'] === undefined ? 10 : 50
const seed = Number(process.env['VIGIL_SEED'] ?? 1)
const fleet = fileURLToPath(new URL('../fixtures/fault-fleet', import.meta.url))

let daemon: Daemon | undefined
let folder: string | undefined
afterEach(async () => {
  daemon?.child.kill('SIGKILL')
  await daemon?.exited
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

/** Drops files and posts notes until told to stop, never many ahead of the report; remembers what was acknowledged. */
function feed(inbox: string, current: () => Daemon, reported: () => number) {
  const files: string[] = []
  const notes = { acknowledged: new Set<string>(), tried: new Set<string>() }
  let going = true
  const keptUp = (): Promise<unknown> =>
    until('the report to keep up', () => !going || files.length + notes.acknowledged.size < reported() + 40, 60_000)
  const dropping = (async () => {
    for (let k = 0; going; k += 1) {
      const name = `part-${k}.csv`
      writeFileSync(join(inbox, '..', name), 'a,b\n1,2\n'.repeat(k % 7))
      renameSync(join(inbox, '..', name), join(inbox, name))
      files.push(name)
      await keptUp()
    }
  })()
  const posting = (async () => {
    for (let k = 0; going; k += 1) {
      const note = `n${k}`
      notes.tried.add(note)
      const reply = await current()
        .call('POST', '/processes/notary/events', { note }, { 'idempotency-key': note })
        .catch(() => undefined)
      if (reply?.status === 202) notes.acknowledged.add(note)
      await keptUp()
    }
  })()
  const stop = async (): Promise<void> => {
    going = false
    await Promise.all([dropping, posting])
  }
  return { files, notes, stop }
}

async function killCell(target: Daemon, pick: number): Promise<void> {
  const { body } = await target.call('GET', '/processes')
  const pids = (body['processes'] as { pid?: number }[]).flatMap((each) => (each.pid === undefined ? [] : [each.pid]))
  const pid = pids[Math.floor(pick * pids.length)]
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended by itself between the question and the shot.
  }
}

test(`${kills} kills at seeded moments lose nothing and repeat nothing (seed ${seed})`, {
  timeout: 900_000,
}, async () => {
  const random = seededRandom(seed)
  folder = mkdtempSync(join(tmpdir(), 'vigil-kill-'))
  const home = join(folder, 'fleet')
  cpSync(fleet, home, { recursive: true })
  mkdirSync(join(home, 'inbox'))
  const report = join(home, 'out', 'report.txt')
  const lines = (): string[] => (existsSync(report) ? readFileSync(report, 'utf8').trim().split('\n') : [])
  const data = join(folder, 'data')
  daemon = await startDaemon(data, [home])
  const feeding = feed(
    join(home, 'inbox'),
    () => daemon as Daemon,
    () => lines().length,
  )

  for (let round = 0; round < kills; round += 1) {
    // A moment is a place in the log: so many records later, wherever ring 0 is with them.
    const moment = lines().length + Math.floor(random.next() * 25)
    await until('the report to grow', () => lines().length >= moment, 60_000)
    const target = (['supervisor', 'cell', 'both'] as const)[Math.floor(random.next() * 3)]
    if (target !== 'supervisor') await killCell(daemon, random.next())
    if (target === 'cell') continue
    daemon.child.kill('SIGKILL')
    await daemon.exited
    daemon = await startDaemon(data, [home])
    const block = daemon.output()
    for (const name of ['watcher', 'notary', 'reporter'])
      expect(block).toMatch(new RegExp(`Process "${name}".*Replaying \\d+ record`))
    expect(block).toMatch(/0 accepted events lost, 0 recorded effects repeated, 0 in doubt/)
  }

  await feeding.stop()
  const expected = [
    ...feeding.files.map((name) => `file ${name}`),
    ...[...feeding.notes.acknowledged].map((note) => `note ${note}`),
  ]
  await until(
    `${expected.length} entries in the report, ${expected.filter((entry) => !lines().includes(entry)).slice(0, 5)} missing first`,
    () => expected.every((entry) => lines().includes(entry)),
    120_000,
  )
  const current = daemon
  await until('every mailbox to be empty', async () => {
    const { body } = await current.call('GET', '/processes')
    return (body['processes'] as { mailbox: { waiting: number; open: number } }[]).every(
      ({ mailbox }) => mailbox.waiting + mailbox.open === 0,
    )
  })
  const all = lines()
  expect(all.length, 'an entry stands in the report twice').toBe(new Set(all).size)
  // A post that was never acknowledged may have arrived, once.
  expect(
    all.filter((entry) => !expected.includes(entry) && !feeding.notes.tried.has(entry.slice('note '.length))),
  ).toEqual([])
  const { body } = await current.call('GET', '/processes')
  expect(
    (body['processes'] as { mailbox: { dead_letters: number } }[]).map(({ mailbox }) => mailbox.dead_letters),
  ).toEqual([0, 0, 0])

  current.child.kill('SIGTERM')
  expect(await current.exited).toEqual({ code: 0, signal: null })
})
