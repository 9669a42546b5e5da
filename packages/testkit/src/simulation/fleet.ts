import { type AgentContext, type AgentDefinition, type AgentEvent, defineTool } from '@vigil/agent'
import type { Random } from '@vigil/protocol'
import type { SpawnSpec, TriggerSpec } from '@vigil/supervisor'
import type { WorldAgent } from '../world/lives.ts'
import { type AgentName, oneOf } from './plan.ts'

/** What an agent does in a turn, as data: the same in every life. */
export type Work =
  | {
      readonly op: 'get' | 'put' | 'post' | 'post_again' | 'publish' | 'send' | 'step' | 'once' | 'once_again' | 'write'
    }
  | { readonly op: 'sleep'; readonly ms: number }
  | { readonly op: 'all' | 'race' | 'nested'; readonly parts: readonly Work[] }

const simple = [
  ...(['get', 'put', 'post', 'post_again', 'publish', 'send', 'step', 'once', 'once_again', 'write'] as const),
  // What only a person can settle, more often than it comes in life.
  ...(['post', 'once'] as const),
]

function anyWork(random: Random, depth: number): Work {
  const pick = random.next()
  if (depth > 0 && pick < 0.35) {
    const parts = Array.from({ length: 2 + Math.floor(random.next() * 2) }, () => anyWork(random, depth - 1))
    return { op: (['all', 'race', 'nested'] as const)[Math.floor(random.next() * 3)] ?? 'all', parts }
  }
  if (pick < 0.42) return { op: 'sleep', ms: Math.floor(random.next() * 5_000) }
  return { op: simple[Math.floor(random.next() * simple.length)] ?? 'step' }
}

const overlaps = ['skip', 'buffer_one', 'buffer_all', 'cancel_other', 'terminate_other', 'allow_all'] as const

/** What a trigger may do with events that come together. */
const gatherings: readonly Pick<TriggerSpec, 'batch' | 'concurrencyKey' | 'rateLimit'>[] = [
  {},
  { batch: { max: 5, within: '2s' } },
  { concurrencyKey: 'payload.source' },
  { rateLimit: '60/30s' },
  { debounce: '2s', key: 'payload.source' } as object,
]

/** Five agents with a program each; every kind of trigger wakes one of them. */
export function fleet(random: Random): Record<AgentName, WorldAgent> {
  // What a race decides is seen by what comes after it: a publish says what time it is.
  const program = (length: number): Work[] =>
    Array.from({ length }, () => [anyWork(random, 2), { op: 'publish' } as const]).flat()
  const common = (): Omit<SpawnSpec, 'name' | 'entrypoint' | 'tools'> & Pick<AgentDefinition, 'tools'> => ({
    tools: [pay],
    concurrency: 2 + Math.floor(random.next() * 2),
    network: { allow: ['out.test'] },
    files: { out: { path: '/out', mode: 'rw' } },
    // Faults come more often here than any policy would bear; parking is not what is tried.
    maxRestarts: 1_000,
    maxRestartsWithoutProgress: 1_000,
    maxConsecutiveFailures: 1_000,
    maxTurn: '30m',
    heartbeatTimeout: '5s',
  })
  const together = () => ({ isolation: 'thread', hibernateAfter: random.next() < 0.5 ? '10s' : '60s' }) as const
  return {
    clerk: {
      ...common(),
      evictable: true,
      triggers: [{ type: 'webhook', webhookPath: '/in', auth: 'none' }],
      run: agentOf(program(4), random.next() < 0.5),
    },
    // Only in the first minutes of the world's year: work has to come to an end.
    ticker: {
      ...common(),
      ...together(),
      evictable: true,
      triggers: [{ type: 'cron', cronExpression: '*/19 0-1 0 1 1 *', overlap: oneOf(random, overlaps) }],
      run: agentOf(program(2), random.next() < 0.5),
    },
    watcher: {
      ...common(),
      triggers: [{ type: 'file_watch', watchPath: '/in', existing: 'deliver' }],
      run: agentOf([...program(2), { op: 'send' }], random.next() < 0.5),
    },
    // They begin nothing, or the work would never end.
    reader: {
      ...common(),
      ...together(),
      triggers: [{ type: 'event', eventType: 'news.*', ...oneOf(random, gatherings) }],
      run: agentOf([{ op: 'step' }], true),
    },
    friend: { ...common(), ...together(), triggers: [{ type: 'message' }], run: agentOf([{ op: 'get' }], true) },
  }
}

const pay = defineTool({ name: 'pay', once: true, run: (_place, ctx) => ctx.uuid() })

/** Half of what may begin only once is a tool. */
const isEven = (where: string): boolean => where.charCodeAt(where.length - 1) % 2 === 0

/** Hosts refuse, and that is part of the work, not a failure of the turn. */
const expected = new Set(['FETCH_FAILED', 'FETCH_TIMEOUT', 'REQUEST_FAILED', 'REQUEST_TIMEOUT', 'STEP_FAILED'])

/** A letter, one with little time, or a question: chance decides, the same in every life. */
function write(place: string, ctx: AgentContext): Promise<unknown> {
  const chance = ctx.random()
  const content = { place, chance }
  if (chance < 0.3) return ctx.request('friend', content, { timeout: '20s' })
  if (chance < 0.5) return ctx.send('friend', content, { ttl: '5s', priority: chance < 0.4 ? 'high' : 'low' })
  return ctx.send('friend', content)
}

/** `brave`: what is in doubt is part of the work, too; else its turns wait for a person. */
function agentOf(program: readonly Work[], brave: boolean) {
  return async (event: AgentEvent, ctx: AgentContext): Promise<unknown> => {
    // Named by its place in the program: code inside a step that is answered from the record does not run, so it may
    // not count anything.
    const perform = async (work: Work, where: string): Promise<unknown> => {
      const place = `${ctx.process}/${event.eventId}/${where}`
      const parts = (of: readonly Work[]): Promise<unknown>[] =>
        of.map((part, index) => bravely(part, `${where}.${index}`))
      switch (work.op) {
        case 'get':
          return (await ctx.fetch(`http://out.test/get/${place}`)).status
        case 'put':
          return (await ctx.fetch(`http://out.test/put/${place}`, { method: 'PUT', body: place })).status
        case 'post':
          return (await ctx.fetch(`http://out.test/once/${place}`, { method: 'POST' })).status
        case 'post_again':
          return (await ctx.fetch(`http://out.test/again/${place}`, { method: 'POST', idempotent: true })).status
        case 'publish':
          return ctx.publish(`news.${ctx.process}`, { place, now: ctx.now() })
        case 'send':
          return write(place, ctx)
        case 'step':
          return ctx.step('count', () => ctx.random())
        case 'once':
          return isEven(where) ? ctx.tools.call('pay', place) : ctx.step('pay', () => ctx.uuid(), { once: true })
        case 'once_again':
          return ctx.step('look', () => ctx.fetch(`http://out.test/get/${place}`).then(({ status }) => status), {
            once: true,
            idempotent: true,
          })
        case 'write':
          return ctx.files.write(`out/${ctx.process}-${where}.txt`, place)
        case 'sleep':
          return ctx.sleep(work.ms)
        case 'all':
          return Promise.all(parts(work.parts))
        case 'race':
          return Promise.race(parts(work.parts))
        case 'nested':
          return ctx.step('inner', async () => {
            for (const [index, part] of work.parts.entries()) await bravely(part, `${where}.${index}`)
          })
      }
    }
    const bravely = (work: Work, where: string): Promise<unknown> =>
      perform(work, where).catch((error: { code?: string }) => {
        const isExpected = expected.has(error.code ?? '') || (brave && error.code === 'EFFECT_IN_DOUBT')
        if (error.code === undefined || !isExpected) throw error
        return error.code
      })
    // Some turns need a second attempt.
    const chance = ctx.random()
    // And some are left to people.
    if (chance > 0.97) ctx.fail('nobody can do this', { retry: false })
    for (const [index, work] of program.entries()) {
      await bravely(work, `${index}`)
      if (index === 0 && chance < 0.1 && ctx.turn.attempt === 1) throw new Error('the first attempt is not good enough')
    }
    // A batch is several events in one turn.
    ctx.state.add('turns', Number(event.metadata['batch'] ?? 1))
    return program.length
  }
}
