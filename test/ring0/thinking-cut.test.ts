import { defineTool } from '@vigil/agent'
import type { JournalRecord } from '@vigil/protocol'
import {
  crash,
  type Fault,
  judge,
  type ModelScript,
  nth,
  ring0,
  seededRandom,
  type WorldAgent,
  world,
} from '@vigil/testkit'
import { describe, expect, test } from 'vitest'

/**
 * A thought that is cut: in a call of its model, in a call of a tool, between two steps. Each seed chooses who dies, how often and at which of these places,
 * and has delays of its own.
 */
const seeds = Array.from({ length: process.env['VIGIL_TORTURE'] === '1' ? 200 : 20 }, (_, index) => index + 1)

/** A function of what it reads, as a model is that thinks the same again: looks, acts, and ends. */
const model: ModelScript = ({ messages, tools = [] }) => {
  if (tools.length === 0) return 'what was before'
  const begin = messages.findLastIndex(({ role }) => role === 'user')
  const thoughts = messages.slice(begin).filter(({ role }) => role === 'assistant').length
  if (thoughts === 0)
    return {
      tools: [
        { tool: 'look', input: { at: 1 } },
        { tool: 'look', input: { at: 2 } },
        { tool: 'pay', input: { to: 'Ann' } },
      ],
    }
  if (thoughts === 1)
    return {
      tools: [
        { tool: 'note', input: { n: 1 } },
        { tool: 'set_state', input: { key: 'n', value: 1 } },
      ],
    }
  return 'done'
}

/** Five thoughts in all, for the conversation of two turns is summarised before the third. */
function thinker() {
  const paid: string[] = []
  const agent: WorldAgent = {
    model: 'test:thinker',
    context: { conversationMaxMessages: 4 },
    maxRestarts: 1_000,
    toolPolicy: { set_state: true },
    tools: [
      defineTool({ name: 'look', readOnly: true, run: (input) => ({ saw: input }) }),
      defineTool({
        name: 'pay',
        once: true,
        async run(_input, ctx) {
          await ctx.publish('paying', null)
          paid.push(`${ctx.turn.id} ${ctx.key}`)
          await ctx.publish('paid', null)
          return 'paid'
        },
      }),
      defineTool({ name: 'note', run: (input, ctx) => ctx.publish('noted', input) }),
    ],
  }
  return { agent, paid }
}

type Place = 'model' | 'tool' | 'between'
const turnsOfEach = 2

/** What stands on record of a world in which nobody dies, in order. */
const moments = (async () => {
  const { log } = await lifeOf(1, [])
  const counts = new Map<string, number>()
  return log.flatMap((record): { place: Place; moment: JournalRecord['type']; count: number }[] => {
    const count = (counts.get(record.type) ?? 0) + 1
    counts.set(record.type, count)
    const { kind } = record.data as { readonly kind?: string }
    const at = (place: Place) => [{ place, moment: record.type, count }]
    if (record.type === 'bus.published') return at('tool')
    if (record.type === 'effect.intended') return at(kind === 'model.generate' ? 'model' : 'tool')
    return record.type === 'effect.completed' ? at('between') : []
  })
})()

async function faultsAt(place: Place, seed: number): Promise<Fault[]> {
  const random = seededRandom(seed * 7 + place.length)
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random.next() * all.length)] as T
  const there = (await moments).filter((each) => each.place === place)
  return Array.from({ length: 1 + Math.floor(random.next() * 3) }, () => {
    const { moment, count } = pick(there)
    return pick([ring0.kill, ring0.cutPower(Math.floor(random.next() * 2 ** 31)), crash('thinker')]).after(
      moment,
      nth(count),
    )
  })
}

async function lifeOf(seed: number, faults: readonly Fault[]) {
  const { agent, paid } = thinker()
  const w = world({ seed, agents: { thinker: agent }, faults, model })
  try {
    expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
    const ended = (): number => w.told.flat().filter(({ type }) => type === 'turn.completed').length
    for (let turn = 1; turn <= turnsOfEach; turn += 1) {
      let accepted = false
      while (!accepted) {
        const key = { idempotencyKey: `event-${turn}` }
        void w.client.postEvent('thinker', { turn }, key).then(
          () => {
            accepted = true
          },
          () => undefined,
        )
        await w.run(2_000)
      }
      expect(await w.until(() => ended() >= turn, 600_000), `turn ${turn} has ended`).toBe(true)
    }
    await w.stop()
    const { violations, log, folds } = await judge(w)
    expect(violations).toEqual([])
    return { log, fold: folds.get('thinker'), paid, billed: w.models.billed.length, asked: w.models.asked }
  } finally {
    w.close()
  }
}

const recordsOf = <T extends JournalRecord['type']>(log: readonly JournalRecord[], type: T) =>
  log.filter((record): record is Extract<JournalRecord, { type: T }> => record.type === type)

describe.each<[string, Place]>([
  ['in a call of its model', 'model'],
  ['in a call of a tool', 'tool'],
  ['between two steps', 'between'],
])('a thought that is cut %s', (_what, place) => {
  test.each(seeds)(
    'goes on, pays for nothing that it has, and repeats nothing that may not be: seed %i',
    async (seed) => {
      const faults = await faultsAt(place, seed)
      const { log, fold, paid, billed, asked } = await lifeOf(seed, faults)
      const plan = JSON.stringify(faults)

      const ends = recordsOf(log, 'turn.completed')
      expect(
        ends.map(({ data }) => data.result),
        plan,
      ).toEqual(['done', 'done'])

      const thoughts = recordsOf(log, 'effect.completed').filter(({ data }) => data.kind === 'model.generate')
      expect(new Set(thoughts.map(({ turn, data }) => `${turn} ${data.key}`)).size, plan).toBe(thoughts.length)
      expect(thoughts, plan).toHaveLength(7)
      const again = recordsOf(log, 'effect.repeated').filter(({ data }) => data.key.startsWith('model.generate'))
      // Ring 0 alone can lose an answer, and then it says so.
      expect(billed, plan).toBeLessThanOrEqual(thoughts.length + again.length)
      if (faults.every(({ does }) => does.kind === 'crash')) expect(billed, plan).toBe(thoughts.length)
      // Asked again is only what was under way: what the record answers is never asked again.
      const texts = asked.map(({ messages }) => JSON.stringify(messages))
      for (const [index, text] of texts.entries())
        expect(texts.lastIndexOf(text) - index, plan).toBeLessThanOrEqual(again.length)

      expect(new Set(paid).size, plan).toBe(paid.length)
      expect(fold?.state.get('n')).toBe(1)
      expect(fold?.conversation.messages.map(({ message }) => message.role).join(' '), plan).toBe(
        'assistant user assistant tool tool tool assistant tool tool assistant',
      )
      expect(fold?.conversation.last, plan).toBe(18)
    },
  )
})
