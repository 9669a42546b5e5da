import type { AgentContext, AgentEvent } from '@vigil/agent'
import { type Judgement, operationFaults, sweep, type World, type WorldScenario } from '@vigil/testkit'
import { describe, expect, test } from 'vitest'

/** A small fleet in the manner of the example: files are watched, told of, and kept in a report; notes come by REST. */
const scenario: WorldScenario = {
  world: {
    seed: 7,
    // So small that segments are begun under way.
    segmentBytes: 6_000,
    agents: {
      // Who listens comes first: a topic reaches those that are deployed.
      reporter: {
        triggers: [{ type: 'event', eventType: 'pipeline.*' }],
        files: { out: { path: '/out', mode: 'rw' } },
        run: report,
      },
      notary: { run: (event, ctx) => ctx.publish('pipeline.note', event.payload) },
      watcher: {
        triggers: [{ type: 'file_watch', watchPath: '/in', existing: 'deliver' }],
        run: (event, ctx) => ctx.publish('pipeline.file', { path: (event.payload as { path: string }).path }),
      },
    },
  },
  async body(w) {
    for (const name of ['a', 'b']) w.clock.setTimer(1_000, () => w.files.put(`/in/${name}.csv`))
    for (const note of ['one', 'two']) w.clock.setTimer(2_000, () => void post(w, note))
    await w.until(() => done(w), 600_000)
    // A round of checkpoints, and whatever would still come twice.
    await w.run(25_000)
  },
}

/** Its lines live in its state, so a line is there once for each event that ended well. */
async function report(event: AgentEvent, ctx: AgentContext): Promise<void> {
  ctx.state.append('lines', lineOf(event))
  const lines = ctx.state.get<string[]>('lines', [])
  await ctx.files.write('out/report.txt', lines.join('\\n'))
}

function lineOf({ payload }: { readonly payload: unknown }): string {
  const { data } = payload as { data: { path?: string; note?: string } }
  return data.path ?? data.note ?? ''
}

async function post(w: World, note: string): Promise<void> {
  await w.client.postEvent('notary', { note }, { idempotencyKey: note }).catch(() => {
    w.clock.setTimer(1_000, () => void post(w, note))
  })
}

const done = (w: World): boolean => {
  const { completed = 0, deadLettered = 0 } = w.settled ? (w.supervisor?.get('reporter').status().counters ?? {}) : {}
  return completed + deadLettered === 4
}

describe('whatever befalls any operation on the disk: each file and note is in the report once', () => {
  const torture = process.env['VIGIL_TORTURE'] !== undefined
  const seed = Number(process.env['VIGIL_SEED'] ?? 1)
  test.each(Object.entries(operationFaults))('%s', { timeout: 600_000 }, async (_what, fault) => {
    const which = torture ? {} : { every: 10, from: 1 + (seed % 10) }
    const check = (_w: World, { folds }: Judgement): void => {
      const reporter = folds.get('reporter')
      const lines = (reporter?.state.get('lines') ?? []) as string[]
      // On a disk that stays full its own writes fail as often as they are tried: that is on record, too.
      const unwritten = reporter?.deadLetters.filter(({ error }) => error.message.includes('ENOSPC')) ?? []
      expect([...lines, ...unwritten.map(({ event }) => lineOf(event))].toSorted()).toEqual([
        '/in/a.csv',
        '/in/b.csv',
        'one',
        'two',
      ])
    }
    const runs = await sweep(scenario, check, { faults: [fault], ...which })
    expect(runs, 'operations that were tried').toBeGreaterThan(torture ? 100 : 10)
  })
})
