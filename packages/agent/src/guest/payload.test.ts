import { afterEach, expect, expectTypeOf, it, vi } from 'vitest'
import { hostGlobals, scriptedCore } from '../../fixtures/scripted-core.ts'
import { defineAgent, type StandardSchema } from '../context.ts'

afterEach(hostGlobals())

interface Order {
  readonly item: string
  readonly count: number
}

/** What a schema library makes of `z.object({ item: z.string(), count: z.number().default(1) })`. */
const order: StandardSchema<Order> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    async validate(value) {
      const { item, count = 1 } = value as Partial<Order>
      if (typeof item === 'string') return { value: { item, count } }
      return { issues: [{ message: 'expected a text', path: [{ key: 'item' }] }] }
    },
  },
}

const turnOf = (payload: unknown, agent: Parameters<ReturnType<typeof scriptedCore>['start']>[0]) =>
  scriptedCore()
    .start(agent)
    .turn({
      event: { event_id: 'e1', trigger_id: 'manual', type: 'manual', timestamp: '', payload, metadata: { by: 'me' } },
    })

it('gives run what the schema makes of the payload, with its type', async () => {
  const agent = defineAgent({
    payload: order,
    run(event) {
      expectTypeOf(event.payload).toEqualTypeOf<Order>()
      return [event.payload, event.metadata, event.eventId]
    },
  })
  expect(await turnOf({ item: 'tea' }, agent as never)).toMatchObject({
    t: 'completed',
    result: [{ item: 'tea', count: 1 }, { by: 'me' }, 'e1'],
  })
})

it('ends the turn before run when the payload does not fit, and says where', async () => {
  const ran = vi.fn()
  const agent = defineAgent({ payload: order, run: ran })
  const end = await turnOf({ item: 7 }, agent as never)
  expect(end).toMatchObject({
    t: 'threw',
    error: {
      code: 'PAYLOAD_INVALID',
      retry: false,
      message: 'the payload does not fit the schema of the agent: payload.item: expected a text',
      details: [{ path: 'payload.item', message: 'expected a text' }],
    },
  })
  expect(ran).not.toHaveBeenCalled()
})

it('does not come up with a payload that is no schema', () => {
  const life = scriptedCore().start({ payload: { item: 'string' } as never, run: () => 1 })
  expect(life.messages).toMatchObject([{ t: 'unready', error: { code: 'BUNDLE_FAILED' } }])
})
