import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeFileSystem, openFileStore } from '@vigil/journal'
import type { ProcessName, RecordDraft } from '@vigil/protocol'
import { checkpointer, checkpointPolicy, recordLog, recover, systemClock } from '@vigil/supervisor/internal'
import { type Row, row } from './statistics.ts'

const program = fileURLToPath(new URL('./programs/recovery.ts', import.meta.url))
const processes = 200
const batch = 250
const open = (directory: string, clock: ReturnType<typeof systemClock>) =>
  openFileStore({ fileSystem: nodeFileSystem(), clock, directory })

/** Events of a fleet, each accepted and completed, with rounds of checkpoints as they come. */
async function filled(folder: string, count: number): Promise<void> {
  const clock = systemClock()
  const journal = await open(folder, clock)
  const { world, rows, changed } = await recover(journal)
  const log = recordLog({ journal, world, changed })
  const checkpoints = checkpointer({ log, clock, policy: checkpointPolicy, rows, failed: console.error })
  const author = (index: number) => ({ process: `agent-${index % processes}` as ProcessName, epoch: 1 })
  const manifest = { context: { initialState: {} }, triggers: [] }
  if (world.size === 0)
    for (let index = 0; index < processes; index += 1)
      log.commit([
        { ...author(index), type: 'process.deployed', data: { revision: 1, manifest, bundle: 'b', by: 'program' } },
      ])
  for (let index = 0; journal.lastSeq < count; ) {
    for (let each = 0; each < batch; each += 1, index += 1) {
      const id = `${count}-${index}`
      const event = {
        event_id: id,
        trigger_id: 'manual',
        type: 'manual' as const,
        timestamp: '2026-01-01T00:00:00.000Z',
        payload: { index, text: 'some words of an event' },
        metadata: {},
      }
      const drafts: RecordDraft[] = [
        { ...author(index), type: 'trigger.accepted', data: { event } },
        {
          ...author(index),
          type: 'turn.completed',
          turn: `t-${id}`,
          data: { event_id: id, attempt: 1, result: null, writes: { set: { last: index } } },
        },
      ]
      log.commit(drafts, 'lazy')
    }
    await journal.durable(journal.lastSeq)
  }
  checkpoints.close()
  await journal.close()
  clock.close()
}

/** Each time in a process of its own, as a start is: what one compiled in an earlier round would be a third of the time. */
const ready = (folder: string): number =>
  Number(execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', program, folder]).toString())

/** Milliseconds of a page by what is looked for: with sidecars that nobody has read yet, and again. */
async function pages(folder: string): Promise<Record<string, { cold: number; warm: number }>> {
  const queries = {
    'the newest 100': { limit: 100 },
    '100 in the middle': { limit: 100, before: 20_000 },
    'the first of a turn long ago': { limit: 1, turn: 't-1000000-7' },
    'a turn that was never': { limit: 1, turn: 't-none' },
    'a type that is rare': { limit: 100, type: 'process.deployed' },
  }
  const took: Record<string, { cold: number; warm: number }> = {}
  for (const [name, query] of Object.entries(queries)) {
    const clock = systemClock()
    const journal = await open(folder, clock)
    const timed = async (): Promise<number> => {
      const began = performance.now()
      await journal.page({ process: 'agent-7', ...query })
      return performance.now() - began
    }
    took[name] = { cold: await timed(), warm: await timed() }
    await journal.close()
    clock.close()
  }
  return took
}

/** A log of one and of ten million records: from nothing to a world, and pages through it. */
export async function recovery(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  const rows: Row[] = []
  try {
    for (const [name, count] of [
      ['1M', 1_000_000],
      ['10M', 10_000_000],
    ] as const) {
      await filled(folder, count)
      const took = Array.from({ length: 5 }, () => ready(folder))
      rows.push(row(`recovery, ${name} records, checkpoints every 50,000`, 's', took, undefined, '<= 1.0 s'))
      if (count === 1_000_000) {
        const whole = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
        const { cpSync } = await import('node:fs')
        cpSync(join(folder, 'journal'), join(whole, 'journal'), { recursive: true })
        rows.push(row(`recovery, ${name} records, no checkpoint`, 's', [ready(whole)]))
        rmSync(whole, { recursive: true })
      }
    }
    const segments = readdirSync(join(folder, 'journal')).filter((file) => file.endsWith('.jsonl')).length
    for (const [what, { cold, warm }] of Object.entries(await pages(folder)))
      rows.push(
        row(`page of 10M records in ${segments} segments: ${what}`, 'ms', [cold], { name: 'again', values: [warm] }),
      )
  } finally {
    rmSync(folder, { recursive: true })
  }
  return rows
}
