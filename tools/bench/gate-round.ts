import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeFileSystem, openFileStore } from '@vigil/journal'
import type { JournalStore, ProcessName } from '@vigil/protocol'
import { createGate, recordLog, systemClock } from '@vigil/supervisor/internal'
import { nullStore } from './null-store.ts'

const effectsPerRound = 100_000
const inFlight = 64
const turns = 64

/** An effect of the class `act` that does nothing: what is left is the gate and its two records. */
const noop = {
  decide: () => undefined,
  intent: () => null,
  repeatable: () => true,
  keyed: () => false,
  rerun: () => true,
  act: () => Promise.resolve(null),
}

async function effectsPerSecond(journal: JournalStore, clock: ReturnType<typeof systemClock>): Promise<number> {
  const log = recordLog({ journal, world: new Map() })
  const process = 'bench' as ProcessName
  const manifest = { context: { initialState: {} }, mailbox: { max: 1e9 }, triggers: [] }
  log.commit([
    { process, epoch: 1, type: 'process.deployed', data: { revision: 1, manifest, bundle: 'b', by: 'program' } },
  ])
  log.commit([{ process, epoch: 1, type: 'incarnation.started', data: { bundle: 'b' } }])
  const files = { 'file.read': noop, 'file.list': noop, 'file.write': noop }
  const outside = { ...files, 'model.generate': noop, 'model.embed': noop, fetch: noop, 'server.tool': noop }
  const effects = { outside, inside: {} as never, reads: {} as never, waiting: {} as never }
  const gate = createGate({ log, clock, effects, deciders: [] })
  const perTurn = Math.ceil(effectsPerRound / turns)
  for (let turn = 0; turn < turns; turn += 1) {
    log.commit([
      {
        process,
        epoch: 1,
        type: 'turn.started',
        turn: `t-${turn}`,
        data: { event_id: `${turn}`, attempt: 1, bundle: 'b', started_at: '' },
      },
    ])
  }
  const began = performance.now()
  const lane = async (turn: number): Promise<void> => {
    for (let k = 0; k < perTurn; k += 1) {
      const reply = await gate.call({
        process: 'bench',
        turn: `t-${turn}`,
        key: `file.read:in/${k}#0`,
        kind: 'file.read',
        input: { mount: 'in', path: `${k}` },
      })
      if ('over' in reply || !reply.outcome.ok) throw new Error(`an effect failed: ${JSON.stringify(reply)}`)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, (_, turn) => lane(turn)))
  return (perTurn * turns) / ((performance.now() - began) / 1_000)
}

/** `node gate-round.ts journal|none`: one warm round, then prints the effects per second of another. */
const journaled = process.argv[2] === 'journal'
const clock = systemClock()
let perSecond = 0
for (const _ of ['warm', 'measured']) {
  const folder = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
  const store = journaled
    ? await openFileStore({ fileSystem: nodeFileSystem(), clock, directory: folder })
    : nullStore(clock)
  perSecond = await effectsPerSecond(store, clock)
  await store.close()
  rmSync(folder, { recursive: true })
}
clock.close()
process.stdout.write(String(perSecond))
