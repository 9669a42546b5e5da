import type { CoreMessage, GuestMessage } from '@vigil/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { event, hostGlobals, loopTurns, startedAt } from '../../fixtures/scripted-core.ts'
import type { AgentContext, AgentEvent, AgentRun } from '../context.ts'
import { installGlobals } from './globals.ts'
import { guestMain } from './guest.ts'

afterEach(hostGlobals())

/** A guest whose module loads like this, and everything that it says. */
function guestOf(load: () => unknown) {
  const said: GuestMessage[] = []
  let handle: (text: string) => void = () => undefined
  guestMain(load, { takeGlobals: installGlobals, nextTurn: setImmediate, after: () => () => undefined })(
    { process: 'p', epoch: 1, module: { hash: 'h', code: '' }, env: {} },
    {
      post: (text) => said.push(JSON.parse(text) as GuestMessage),
      listen: (handler) => {
        handle = handler
      },
      lent: () => undefined,
      giveBack: () => undefined,
      asked: () => undefined,
      close: () => undefined,
    },
  )
  return { said, hear: (message: CoreMessage) => handle(JSON.stringify(message)) }
}

const turnOf = (turn: string): Extract<CoreMessage, { t: 'turn' }> => ({
  t: 'turn',
  turn,
  attempt: 1,
  epoch: 1,
  event: { ...event, payload: `payload of ${turn}` },
  started_at: startedAt,
  seed: turn,
  state: { full: true, set: {}, delete: [] },
  recorded: [],
  crashed: false,
})

async function saidBy(load: () => unknown): Promise<GuestMessage[]> {
  const { said, hear } = guestOf(load)
  hear(turnOf('t1'))
  await loopTurns(1)
  return said
}

describe('a module', () => {
  const run: AgentRun = () => 'ran'
  const other: AgentRun = () => 'wrong'

  it.each<[string, unknown]>([
    ['a function by default', { default: run }],
    ['an object with run() by default', { default: { run } }],
    ['CommonJS seen from a module', { default: { default: run } }],
    ['module.exports = a function', run],
    ['module.exports = an object with run()', { run }],
    ['a default export beside a run of its own', { default: run, run: other }],
    [
      'an object whose run() reads it',
      {
        default: {
          word: 'ran',
          run() {
            return this.word
          },
        },
      },
    ],
  ])('may export %s', async (_what, exported) => {
    expect(await saidBy(() => exported)).toMatchObject([{ t: 'ready' }, { t: 'completed', result: 'ran' }])
  })

  it.each([undefined, null, {}, { default: null }, { default: { run: 1 } }, 'text'])(
    'that exports nothing to run (%j) is unready, and says what is expected',
    async (exported) => {
      const [first, ...rest] = await saidBy(() => exported)
      expect(first).toMatchObject({ t: 'unready', error: { code: 'BUNDLE_FAILED' } })
      expect(JSON.stringify(first)).toContain('a function or an object with run()')
      expect(rest).toEqual([])
    },
  )

  it('that throws while it loads is unready with its own error', async () => {
    const load = () => {
      throw new TypeError('at the top')
    }
    expect(await saidBy(load)).toMatchObject([{ t: 'unready', error: { name: 'TypeError', message: 'at the top' } }])
  })
})

describe('several turns at once', () => {
  it('keep their snapshots, keys, fetch and console apart', async () => {
    const { said, hear } = guestOf(() => async (caller: AgentEvent, ctx: AgentContext) => {
      const before = ctx.state.get('n')
      await ctx.publish('same', 1)
      const { status } = await fetch('http://a.test/')
      console.log(caller.payload)
      ctx.state.add('n', 1)
      return [caller.payload, status, before, ctx.state.get('n'), ctx.turn.id]
    })
    const answer = async (turn: string, value: unknown) => {
      const calls = said.filter((message) => message.t === 'call')
      const call = calls.findLast((message) => message.turn === turn)
      hear({ t: 'reply', id: call?.id ?? 0, at: startedAt, ok: true, value })
      await loopTurns(2)
    }
    hear({ ...turnOf('a'), state: { full: true, set: { n: 1 }, delete: [] } })
    hear({ ...turnOf('b'), state: { full: false, set: { n: 5 }, delete: [] } })
    await loopTurns(1)
    await answer('b', null)
    await answer('a', null)
    await answer('a', { status: 201, statusText: '', headers: {}, body: '' })
    await answer('b', { status: 202, statusText: '', headers: {}, body: '' })
    expect(said.filter(({ t }) => t === 'call')).toMatchObject([
      { turn: 'a', kind: 'publish', key: expect.stringMatching(/#0$/) },
      { turn: 'b', kind: 'publish', key: expect.stringMatching(/#0$/) },
      { turn: 'b', kind: 'fetch' },
      { turn: 'a', kind: 'fetch' },
    ])
    expect(said.filter(({ t }) => t === 'log' || t === 'completed')).toMatchObject([
      { t: 'log', turn: 'a', message: 'payload of a' },
      { t: 'completed', turn: 'a', result: ['payload of a', 201, 1, 2, 'a'] },
      { t: 'log', turn: 'b', message: 'payload of b' },
      { t: 'completed', turn: 'b', result: ['payload of b', 202, 5, 6, 'b'] },
    ])
  })
})
