import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockDataDirectory, nodeFileSystem, openFileStore } from '@vigil/journal'
import type { ProcessName, RecordDraft } from '@vigil/protocol'
import { virtualClock } from '@vigil/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runCommand } from '../../apps/cli/src/program.ts'

let directory: string
let segment: string
const clock = virtualClock()
const fileSystem = nodeFileSystem()
const draft = (process: string, value: number): RecordDraft => ({
  process: process as ProcessName,
  epoch: 1,
  type: value === 3 ? 'agent.described' : 'state.patched',
  data: (value === 3 ? { bundle: 'b' } : { set: { value }, by: 'program' }) as never,
})

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vigil-verbs-'))
  segment = join(directory, 'journal', '0000000000000001.jsonl')
  const store = await openFileStore({ fileSystem, clock, directory })
  for (let value = 1; value <= 4; value += 1) {
    store.append([draft('a', value), draft('b', value)], 'durable')
    await store.durable(store.lastSeq)
  }
  await store.close()
})
afterEach(() => rmSync(directory, { recursive: true }))

const run = async (...argv: string[]) => {
  const lines: string[] = []
  const face = {
    env: {},
    cwd: directory,
    read: () => undefined,
    stdin: async () => '',
    print: (line: string) => void lines.push(line),
  }
  const code = await runCommand(['--data', '.', 'journal', ...argv], { ...face, signal: AbortSignal.abort() })
  return { code, lines }
}

function damage(): void {
  const lines = readFileSync(segment, 'utf8').split('\n')
  writeFileSync(segment, lines.with(4, (lines[4] as string).replace('value', 'valve')).join('\n'))
}

it('verify says what is there, and where it is damaged', async () => {
  const bytes = readFileSync(segment).length
  const whole = [`0000000000000001.jsonl  records 1 to 8, ${bytes} bytes`, 'whole: 8 records']
  expect(await run('verify')).toEqual({ code: 0, lines: whole })
  damage()
  const offset = readFileSync(segment, 'utf8').indexOf('{"seq":4,')
  const { code, lines } = await run('verify')
  expect(code).toBe(3)
  expect(lines).toContainEqual(expect.stringContaining(`0000000000000001.jsonl is damaged at byte`))
  expect(JSON.parse((await run('verify', '--json')).lines[0] ?? '').troubles[0]).toMatchObject({ path: segment })
  expect(offset).toBeGreaterThan(0)
})

it('repair shows what it would do, and does it when told to', async () => {
  damage()
  const before = readFileSync(segment)
  const shown = await run('repair')
  expect(shown.code).toBe(3)
  expect(shown.lines[0]).toContain('7 records can be read, at most 1 are lost.')
  expect(readFileSync(segment).equals(before)).toBe(true)
  const done = await run('repair', '--yes')
  expect(done.code).toBe(0)
  expect(done.lines).toContain('Put on record: records may be missing of b (at most 1).')
  expect((await run('verify')).code).toBe(0)
  expect((await run('repair', '--yes')).lines).toEqual(['Nothing is damaged.'])
  const types = (await run('export')).lines.map((line) => JSON.parse(line)).map(({ seq, type }) => `${seq} ${type}`)
  expect(types.slice(3, 4)).toEqual(['4 journal.record_lost'])
  expect(types.slice(8)).toEqual(['9 journal.repaired', '10 journal.repaired'])
})

it('export takes the records that are asked for', async () => {
  const seqs = async (...argv: string[]) => (await run('export', ...argv)).lines.map((line) => JSON.parse(line).seq)
  expect(await seqs()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  expect(await seqs('--process', 'b', '--from', '4')).toEqual([4, 6, 8])
  expect(await seqs('--type', 'agent.described')).toEqual([5, 6])
  expect(await seqs('--since', '2030-01-01')).toEqual([])
  await expect(run('export', '--since', 'noon')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

it('a body that lies beside the log is exported with its record, and verified', async () => {
  const content = 'x'.repeat(10_000)
  const store = await openFileStore({ fileSystem, clock, directory })
  const turn = { event_id: 'e', attempt: 1, result: content, writes: {} }
  store.append([{ process: 'a' as ProcessName, epoch: 1, type: 'turn.completed', turn: 't', data: turn }], 'durable')
  await store.durable(store.lastSeq)
  await store.close()
  const [line] = (await run('export', '--type', 'turn.completed')).lines
  expect(JSON.parse(line ?? '').data.result).toBe(content)
  expect((await run('verify')).lines).toContain('1 bodies beside the log, 0 were taken away')
  const folder = join(directory, 'blobs', 'a')
  writeFileSync(join(folder, readdirSync(folder)[0] ?? ''), content)
  expect((await run('verify')).code).toBe(3)
  await run('repair', '--yes')
  expect(readdirSync(folder)).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.damaged-/)])
  expect((await run('verify')).code).toBe(0)
})

const accepted = (id: string, payload: string): RecordDraft => {
  const event = { event_id: id, trigger_id: 'manual', type: 'manual', timestamp: 'then', payload, metadata: {} }
  return { process: 'a' as ProcessName, epoch: 1, type: 'trigger.accepted', data: { event } }
}

it('a body that an event needs and that is gone is named, and put on record by a repair', async () => {
  const store = await openFileStore({ fileSystem, clock, directory })
  const end = { event_id: 'e2', reason: 'r', by: 'operator' }
  const letter = { event_id: 'e3', attempts: 1, reason: 'r', error: { code: 'X', message: 'm' } }
  store.append(
    [
      ...['e1', 'e2', 'e3'].map((id) => accepted(id, id.repeat(5_000))),
      { process: 'a' as ProcessName, epoch: 1, type: 'turn.cancelled', turn: 't-e2', data: end },
      { process: 'a' as ProcessName, epoch: 1, type: 'turn.dead_lettered', turn: 't-e3', data: letter },
    ],
    'durable',
  )
  await store.durable(store.lastSeq)
  await store.close()
  const folder = join(directory, 'blobs', 'a')
  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  const { code, lines } = await run('verify')
  expect(code).toBe(3)
  expect(lines).toContain('0 bodies beside the log, 1 were taken away, 2 LOST')
  expect(lines.join('\n')).toMatch(/the body that event e1 of "a" needs is gone\n.*event e3 of "a" needs/)
  expect((await run('repair')).code).toBe(3)
  expect((await run('repair', '--yes')).lines).toContain('Put on record: 2 bodies are lost.')
  expect((await run('verify')).code).toBe(0)
  expect((await run('repair', '--yes')).lines).toEqual(['Nothing is damaged.'])
  expect((await run('export', '--type', 'journal.body_lost')).lines).toHaveLength(2)
})

it('show and tail read the files when no supervisor is at work', async () => {
  expect((await run('show', 'a', '3')).lines.join('')).toContain('"agent.described"')
  expect(JSON.parse((await run('show', '8')).lines.join(''))).toMatchObject({ process: 'b', n: 4 })
  await expect(run('show', 'a', '9')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  const numbers = (lines: readonly string[]) => lines.map((line) => Number.parseInt(line, 10))
  expect(numbers((await run('tail', 'a', '--limit', '2')).lines)).toEqual([3, 4])
  expect(numbers((await run('show', 'a', '--limit', '2')).lines)).toEqual([4, 3])
})

it('reads beside who holds the directory, and repairs nothing there', async () => {
  const lock = await lockDataDirectory({ fileSystem, clock, directory })
  try {
    const { code, lines } = await run('verify')
    expect(code).toBe(0)
    expect(lines).toContainEqual(expect.stringMatching(/^A supervisor is at work/))
    await expect(run('repair', '--yes')).rejects.toMatchObject({ code: 'DATA_IN_USE' })
  } finally {
    await lock.release()
  }
})

it('says where it looked for a journal', async () => {
  rmSync(join(directory, 'journal'), { recursive: true })
  rmSync(join(directory, 'checkpoints'), { recursive: true })
  await expect(run('verify')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})
