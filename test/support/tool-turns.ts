import { defineTool, type Tool } from '@vigil/agent'
import { type Fault, judge, type WorldAgent, world } from '@vigil/testkit'
import { expect } from 'vitest'

/** One turn of an agent in a world of its own, judged. */
export async function turnOf(agent: WorldAgent, faults: readonly Fault[] = []) {
  const w = world({ seed: 1, agents: { worker: agent }, faults })
  try {
    expect(await w.until(() => w.settled, 60_000), 'ring 0 is up').toBe(true)
    void w.client.postEvent('worker', null).catch(() => undefined)
    await w.run(600_000)
    await w.stop()
    const { violations, log } = await judge(w)
    expect(violations).toEqual([])
    const ends = log.filter(({ type }) => endings.has(type))
    const tools = log.filter(
      (record) =>
        (record.type === 'effect.intended' || record.type === 'effect.completed') && record.data.kind === 'tool',
    )
    return { ends: ends.map(({ type, data }) => ({ type, ...data })), log, tools }
  } finally {
    w.close()
  }
}

const endings = new Set(['turn.completed', 'turn.dead_lettered', 'turn.parked'])

/** `pay` notes each time that it runs, and publishes before and after. */
export function paying(options: Partial<Tool> = {}) {
  const runs: string[] = []
  const pay = defineTool({
    name: 'pay',
    ...options,
    async run(_input, ctx) {
      await ctx.publish('paying', null)
      runs.push(ctx.key)
      await ctx.publish('paid', null)
      return `paid ${runs.length}`
    },
  })
  const run: WorldAgent['run'] = async (_event, ctx) => {
    await ctx.publish('before', null)
    return await ctx.tools.call('pay', { to: 'Ann' })
  }
  return { runs, tools: [pay], run }
}
